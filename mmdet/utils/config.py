"""Config files: reading, overriding, and catching misspelt keys early."""
import difflib
import os
import re
from collections.abc import Iterable

from mmengine.config import Config

from mmdet.utils.errors import BadKey, BadValue, MissingFile
from mmdet.utils.registry import check_keys

CLASSIC_KEYS = (
    'model', 'train_cfg', 'test_cfg', 'dataset_type', 'data_root',
    'img_norm_cfg', 'data', 'optimizer', 'optimizer_config', 'lr_config',
    'checkpoint_config', 'log_config', 'total_epochs', 'device_ids',
    'dist_params', 'log_level', 'work_dir', 'load_from', 'resume_from',
    'workflow', 'cudnn_benchmark', 'fp16', 'gpus')
DATA_KEYS = ('imgs_per_gpu', 'workers_per_gpu', 'train', 'val', 'test')
NEW_KEYS = ('evaluation', 'auto_scale_lr', 'seed', 'deterministic', 'ema',
            'channels_last', 'compile', 'num_threads', 'allow_partial',
            'find_unused_parameters', 'custom_hooks', 'custom_imports', 'device')


def check_top_level(names: Iterable[str], where: str) -> None:
    """Refuse a top-level key that looks like a misspelt one of ours.

    A config is Python and may keep helper variables; a name unlike every known
    key, or a known key with a suffix (``data_root_val``, ``model1``), is one.

    Raises:
        KeyError: naming the key that was probably meant.
    """
    known = CLASSIC_KEYS + NEW_KEYS
    for name in names:
        if name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if close and not re.match(rf'{close[0]}(_|\d)', name):
            raise BadKey(f'{where}: unknown key "{name}"; did you mean '
                         f'"{close[0]}"? (rename it if it is a helper)')


def load_config(path: str, overrides: dict | None = None) -> Config:
    """Read a config file and apply command-line overrides.

    Args:
        path: a Python config, ``_base_`` files are merged in.
        overrides: dotted keys to values, e.g. ``{'data.imgs_per_gpu': 2}``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is something else, such as a checkpoint.
        KeyError: a top-level key or an override looks misspelt.
        TypeError: ``data`` has a key nobody reads.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such config file; those that come '
                          'with the code are in configs/')
    if not path.endswith(('.py', '.json', '.yml', '.yaml')):
        raise BadValue(f'{path}: a config is a .py file; the config comes first, then the '
                       'checkpoint')
    cfg = Config.fromfile(path)
    check_top_level(cfg.keys(), path)
    if overrides:
        check_top_level((key.split('.')[0] for key in overrides), '--cfg-options')
        cfg.merge_from_dict(overrides)
    check_keys(cfg.get('data') or {}, DATA_KEYS, f'{path}: data')
    return cfg
