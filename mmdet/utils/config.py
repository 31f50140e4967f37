"""Config files: reading, overriding, and catching misspelt keys early."""
import ast
import contextlib
import difflib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator

from mmengine.config import Config, ConfigDict

from mmdet.utils.errors import BadKey, BadType, BadValue, MissingFile
from mmdet.utils.registry import check_keys

CLASSIC_KEYS = (
    'model', 'train_cfg', 'test_cfg', 'data', 'optimizer', 'optimizer_config', 'lr_config',
    'checkpoint_config', 'log_config', 'total_epochs', 'device_ids', 'dist_params',
    'log_level', 'work_dir', 'load_from', 'resume_from', 'workflow', 'cudnn_benchmark',
    'fp16', 'gpus')
HELPERS = ('dataset_type', 'data_root', 'img_norm_cfg')  # used while the file runs, not after
DATA_KEYS = ('imgs_per_gpu', 'workers_per_gpu', 'train', 'val', 'test')
NEW_KEYS = ('evaluation', 'auto_scale_lr', 'seed', 'deterministic', 'ema', 'channels_last',
            'compile', 'inference', 'num_threads', 'allow_partial', 'overwrite',
            'find_unused_parameters', 'custom_hooks', 'custom_imports', 'device')


def load_config(path: str, overrides: dict | None = None) -> Config:
    """Read a config file and apply command-line overrides.

    Modules of ``custom_imports`` are looked for beside the config and in the current folder
    first, then where Python looks.

    Args:
        path: a Python config; ``_base_`` files (relative to it) are merged in.
        overrides: dotted keys to values, e.g. ``{'data.imgs_per_gpu': 2}``.

    Raises:
        FileNotFoundError: there is no such file, or one of its ``_base_`` is not there.
        ValueError: the file is a checkpoint or not Python, fails when run, or is its own
            ``_base_``.
        KeyError: a top-level key or an override looks misspelt, or changes nothing.
        TypeError: ``data`` has a key nobody reads.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such config file; those that come '
                          'with the code are in configs/')
    if not path.endswith(('.py', '.json', '.yml', '.yaml')):
        raise BadValue(f'{path}: a config is a .py file; the config comes first, then the '
                       'checkpoint')
    _check_files(path)
    try:
        cfg = Config.fromfile(path, import_custom_modules=False)
    except Exception as error:
        raise BadValue(f'{_line_of(error, path)}: the config cannot be run: '
                       f'{type(error).__name__}: {error}') from error
    check_top_level(cfg.keys(), path)
    if overrides:
        _override(cfg, overrides)
    check_keys(cfg.get('data') or {}, DATA_KEYS, f'{path}: data')
    if cfg.get('custom_imports'):
        _import_modules(cfg.custom_imports, path)
    return cfg


def require(cfg: Config, *keys: str) -> None:
    """Refuse a config without these dotted keys.

    Raises:
        KeyError: naming the first that is missing.
    """
    for key in keys:
        value = cfg
        for name in key.split('.'):
            value = value.get(name) if isinstance(value, (Config, ConfigDict)) else None
        if value is None:
            raise BadKey(f'{cfg.filename}: has no {key}; start from a config in configs/ with '
                         "_base_ = 'THAT.py'")


def check_top_level(names: Iterable[str], where: str) -> None:
    """Refuse a top-level key that looks like a misspelt one of ours.

    A config is Python and may keep helper variables; a name unlike every known
    key, or a known key with a suffix (``data_root_val``, ``model1``), is one.

    Raises:
        KeyError: naming the key that was probably meant.
    """
    known = CLASSIC_KEYS + HELPERS + NEW_KEYS
    for name in names:
        if name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if close and not re.match(rf'{close[0]}(_|\d)', name):
            raise BadKey(f'{where}: unknown key "{name}"; did you mean '
                         f'"{close[0]}"? (rename it if it is a helper)')


def _check_files(path: str, children: tuple[str, ...] = ()) -> None:
    """Parse a config and what it is based on: mistakes are told with their file and line."""
    if os.path.realpath(path) in children:
        raise BadValue(f'{path}: is its own _base_, by way of '
                       + ' and '.join(os.path.relpath(child) for child in children))
    if not path.endswith('.py'):
        return  # json and yaml have no _base_ worth a sentence of their own
    try:
        with open(path, encoding='utf-8') as file:
            tree = ast.parse(file.read(), path)
    except (SyntaxError, UnicodeDecodeError) as error:
        line = getattr(error, 'lineno', None)
        raise BadValue(f'{path}{f":{line}" if line else ""}: not valid Python: '
                       f'{getattr(error, "msg", error)}') from None
    for base in _bases(tree):
        # Other packages' configs ("mmdet::x.py") are mmengine's to find.
        if '::' in base or '{{' in base:
            continue
        base_path = os.path.join(os.path.dirname(path), base)
        if not os.path.isfile(base_path):
            raise MissingFile(f'{path}: _base_ "{base}" is not there; it is relative to the '
                              f'config, so it was looked for at {os.path.normpath(base_path)}')
        _check_files(base_path, (*children, os.path.realpath(path)))


def _bases(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) == '_base_':
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                return []
            return [value] if isinstance(value, str) else [v for v in value if type(v) is str]
    return []


def _line_of(error: Exception, path: str) -> str:
    """``FILE:LINE`` of the config that raised; the config itself if none did."""
    here = os.path.dirname(os.path.abspath(__file__))
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.name == '<module>' and not frame.filename.startswith(here):
            return f'{os.path.relpath(frame.filename)}:{frame.lineno}'
    return path


def _override(cfg: Config, overrides: dict) -> None:
    names = {key.split('.')[0] for key in overrides}
    check_top_level(names, '--cfg-options')
    for name in sorted(names - {*CLASSIC_KEYS, *NEW_KEYS}):
        if not cfg.get('custom_imports'):  # whose code may read what it likes
            raise BadKey(f'--cfg-options {name}=...: changes nothing, it is only used while the '
                         f'config file runs{_made_from(cfg, name)}')
    try:
        cfg.merge_from_dict(overrides)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise BadValue(f'--cfg-options: cannot be applied to the config: {error}') from None


def _made_from(cfg: Config, name: str) -> str:
    """Which keys hold the value of a helper, as the end of a sentence."""
    value = cfg.get(name)
    keys = [key for part in ('train', 'val', 'test')
            for key in ((cfg.get('data') or {}).get(part) or {})
            if isinstance(value, str) and isinstance(cfg.data[part][key], str)
            and cfg.data[part][key].startswith(value) for key in [f'data.{part}.{key}']]
    if not keys:
        return '; override the keys that are made from it'
    return f'; override what is made from it: {", ".join(keys)}'


def _import_modules(imports: dict, path: str) -> None:
    """``custom_imports = dict(imports=[...])``; the folders stay on ``sys.path``, at its end."""
    if not isinstance(imports, dict):
        raise BadType(f'{path}: custom_imports must be a dict(imports=[...]), got {imports!r}')
    check_keys(imports, ('imports', 'allow_failed_imports'), f'{path}: custom_imports')
    names = imports.get('imports') or []
    with _looking_first([os.path.dirname(os.path.abspath(path)), os.getcwd()]):
        for name in [names] if isinstance(names, str) else names:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                if imports.get('allow_failed_imports'):
                    continue
                if not f'{name}.'.startswith(f'{error.name}.'):
                    raise  # the module is there, and imports one that is not
                raise MissingFile(
                    f'{path}: custom_imports: there is no module "{name}", neither beside the '
                    'config nor in the current folder nor among the installed packages') from None


@contextlib.contextmanager
def _looking_first(folders: list[str]) -> Iterator[None]:
    sys.path[:0] = folders
    try:
        yield
    finally:
        for folder in folders:
            sys.path.remove(folder)
        sys.path += [folder for folder in folders if folder not in sys.path]
