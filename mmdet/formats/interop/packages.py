"""Packages that are there for interchange alone."""
import importlib
from types import ModuleType

from mmdet.utils.errors import MissingPackage


def optional(package: str, caller: str) -> ModuleType:
    """Import a package that is not required.

    Raises:
        ImportError: it is not installed; says what to install.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackage(f'{caller} needs the package {package}: pip install {package} '
                             f'({error})') from None
