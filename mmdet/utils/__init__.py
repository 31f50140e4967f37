from .checkpoint import (LoadReport, load_checkpoint, read_checkpoint,
                         save_checkpoint)
from .config import load_config
from .fileio import atomic_write, dump_results, load_results
from .logger import get_root_logger
from .registry import Registry, check_keys, nearest

__all__ = [
    'LoadReport', 'Registry', 'atomic_write', 'check_keys', 'dump_results',
    'get_root_logger', 'load_checkpoint', 'load_config', 'load_results',
    'nearest', 'read_checkpoint', 'save_checkpoint'
]
