from .checkpoint import (LoadReport, load_checkpoint, read_checkpoint,
                         save_checkpoint)
from .config import load_config
from .errors import meant_for_user, sentence
from .fileio import atomic_write, dump_results, load_results
from .logger import get_root_logger
from .registry import Registry, check_keys, nearest

__all__ = [
    'LoadReport', 'Registry', 'atomic_write', 'check_keys', 'dump_results',
    'get_root_logger', 'load_checkpoint', 'load_config', 'load_results',
    'meant_for_user', 'nearest', 'read_checkpoint', 'save_checkpoint', 'sentence'
]
