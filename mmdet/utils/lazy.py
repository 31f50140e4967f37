"""Packages whose names load their module when first used, or say what replaced them."""
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_exports(package: str, exports: Mapping[str, Sequence[str]],
                 gone: Mapping[str, str] | None = None
                 ) -> tuple[Callable, Callable, list[str]]:
    """What a package's ``__init__`` needs to export names without importing them.

    Scoring a result file must not wait for torch (seconds, and 700 MB), which
    the neighbours in the same package need.

    Args:
        package: ``__name__`` of the package.
        exports: names by the module that defines them, relative or not, e.g.
            ``{'.logger': ['get_root_logger']}``.
        gone: names that the package had in 2019, and what to use in their place.

    Returns:
        the package's ``__getattr__``, ``__dir__`` (PEP 562) and ``__all__``. What is gone raises
        ImportError when it is asked for.
    """
    home = {name: module for module, names in exports.items() for name in names}

    def load(name: str) -> Any:
        if gone and name in gone:
            raise ImportError(f'{package}.{name} of 2019 is gone; {gone[name]}')
        if name not in home:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        value = getattr(importlib.import_module(home[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted({*vars(sys.modules[package]), *home}), sorted(home)
