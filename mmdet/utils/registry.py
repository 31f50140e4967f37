"""Registries whose errors name the nearest valid name."""
import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import mmengine

from mmdet.utils.errors import BadKey, BadType


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of an error sentence: the closest valid names, or all of them.

    Args:
        name: what the user wrote.
        valid: what would have been right.

    Returns:
        ``'; did you mean "x"?'`` or ``'; valid are "x", "y"'``.
    """
    valid = sorted(valid)
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return '; valid are ' + ', '.join(f'"{v}"' for v in valid)


def check_keys(cfg: dict, valid: Iterable[str], where: str) -> None:
    """Refuse keys nobody reads.

    Args:
        cfg: a piece of a config.
        valid: the keys its reader knows.
        where: what the piece is, for the message, e.g. ``'test_cfg.rcnn'``.

    Raises:
        TypeError: it is no dict, or a key is unknown; the nearest valid one is named.
    """
    if not isinstance(cfg, dict):
        raise BadType(f'{where} must be a dict, got {cfg!r}')
    valid = list(valid)
    for key in cfg:
        if key not in valid:
            raise BadType(f'{where} has no key "{key}"{nearest(key, valid)}')


def _parameters(cls: type) -> list[str] | None:
    """Every argument the constructor takes; None where that cannot be told.

    ``**kwargs`` is followed up the inheritance chain, because that is where
    heads pass them on.
    """
    names = []
    for base in cls.__mro__:
        if '__init__' not in vars(base):
            continue
        params = list(inspect.signature(base.__init__).parameters.values())[1:]
        names += [p.name for p in params if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        if not any(p.kind is p.VAR_KEYWORD for p in params):
            return names
    return None


class Registry(mmengine.Registry):
    """A map from the ``type`` of a config to a class.

    mmengine's registry, with ``@REG.register_module`` allowed without
    parentheses (as in 2019) and misspelt types and arguments answered with the
    nearest valid name before anything is built.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **{'scope': 'mmdet', **kwargs})

    def register_module(self, name=None, force: bool = False,
                        module: type | None = None) -> Callable:
        """Register a class; usable with and without parentheses."""
        if inspect.isclass(name) or inspect.isfunction(name):
            return super().register_module(module=name, force=force)
        return super().register_module(name=name, force=force, module=module)

    def build(self, cfg: dict, **default_args: Any) -> Any:
        """Build ``cfg['type'](**rest of cfg)``; ``default_args`` fill gaps.

        Raises:
            TypeError: ``cfg`` is no dict or has an argument the class lacks.
            KeyError: ``type`` is missing or not registered here.
        """
        if not isinstance(cfg, dict):
            raise BadType(f'{self.name}: expected a dict with "type", '
                          f'got {type(cfg).__name__}: {cfg!r}')
        args = {**default_args, **cfg}
        kind = args.pop('type', None)
        if kind is None:
            raise BadKey(f'{self.name}: no "type" in {dict(cfg)}')
        cls = kind if inspect.isclass(kind) else self.module_dict.get(kind)
        if cls is None:
            raise BadKey(f'{self.name} has no type "{kind}"'
                         f'{nearest(kind, self.module_dict)}')
        valid = _parameters(cls)
        if valid is not None:
            check_keys(args, valid, cls.__name__)
        return cls(**args)
