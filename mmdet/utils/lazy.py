"""Packages whose names load their module when first used."""
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any


def lazy_exports(package: str, exports: dict[str, Sequence[str]]
                 ) -> tuple[Callable, Callable, list[str]]:
    """What a package's ``__init__`` needs to export names without importing them.

    Scoring a result file must not wait for torch (seconds, and 700 MB), which
    the neighbours in the same package need.

    Args:
        package: ``__name__`` of the package.
        exports: names by the relative module that defines them, e.g.
            ``{'.logger': ['get_root_logger']}``.

    Returns:
        the package's ``__getattr__``, ``__dir__`` (PEP 562) and ``__all__``.
    """
    home = {name: module for module, names in exports.items() for name in names}

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        value = getattr(importlib.import_module(home[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted({*vars(sys.modules[package]), *home}), sorted(home)
