"""Checkpoints are data: one reader, in which nothing is run."""
import errno
import os
import pickle
import re
from typing import Any

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer

from mmdet.checkpoint.download import ELSEWHERE, local_copy
from mmdet.utils.errors import BadValue, MissingFile


def _only_the_name(_: Any, name: str) -> str:
    """Stands in for ``getattr``, with which mmengine's logs name methods."""
    return name


def _allowed() -> list:
    """The harmless classes a training checkpoint holds besides tensors."""
    core = getattr(np, '_core', None) or np.core
    number_types = [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint32,
                    np.uint8, np.bool_]
    return [
        HistoryBuffer, np.dtype, np.ndarray, core.multiarray._reconstruct,
        core.multiarray.scalar, (_only_the_name, '__builtin__.getattr'),
        (_only_the_name, 'builtins.getattr'), *(type(np.dtype(t)) for t in number_types)
    ]


def read_checkpoint(filename: str, map_location: str | torch.device = 'cpu') -> dict:
    """The contents of a checkpoint; nothing in it is run.

    Raises:
        FileNotFoundError: no such file.
        ConnectionError: the URL cannot be reached; says where weights are.
        ValueError: the file is cut short, is no checkpoint, or holds objects
            other than tensors, numbers, strings and containers.
    """
    path = local_copy(filename)
    if not os.path.isfile(path):
        raise MissingFile(f'{filename}: no such checkpoint file; {ELSEWHERE}')
    try:
        with torch.serialization.safe_globals(_allowed()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r'GLOBAL `?([\w.]+)', str(error))
        what = (f'it holds an object of type {found[1]}, which could run code' if found
                else 'it is no checkpoint')
        raise BadValue(f'{filename}: refused: {what}; expected tensors, numbers, strings and '
                       'containers') from None
    except (RuntimeError, EOFError, OSError, LookupError, ValueError, AssertionError,
            TypeError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        size, remedy = os.path.getsize(path), 'fetch it again or use an earlier one'
        if '://' in filename:
            os.unlink(path)
            remedy = 'the downloaded file was removed, run this again to fetch it anew'
        raise BadValue(f'{filename}: the checkpoint is cut short or damaged ({size} bytes); '
                       f'{remedy}') from None
    if not isinstance(checkpoint, dict):
        raise BadValue(f'{filename}: expected a dict of tensors, got '
                       f'{type(checkpoint).__name__}')
    return checkpoint
