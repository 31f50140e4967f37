"""Checkpoints are data: one reader, in which nothing is run."""
import errno
import os
from typing import Any

import torch
from torch import Tensor

from mmdet.checkpoint.archive import Damaged, read_archive
from mmdet.checkpoint.download import elsewhere, local_copy
from mmdet.utils.errors import BadValue, MissingFile

_REFUSED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError,
            RuntimeError)


def read_checkpoint(filename: str, map_location: str | torch.device = 'cpu') -> dict:
    """The contents of a checkpoint; nothing in it is run, and its checksums are compared.

    Raises:
        FileNotFoundError: no such file.
        ConnectionError: the URL cannot be reached; says where weights are.
        ValueError: the file is cut short or damaged, is no checkpoint, or holds objects
            other than tensors, numbers, strings, arrays of numbers and containers.
    """
    path = local_copy(filename)
    if not os.path.isfile(path):
        raise MissingFile(f'{filename}: no such checkpoint file; {elsewhere(filename)}')
    checkpoint = checked_form(_read(filename, path), filename)
    return checkpoint if torch.device(map_location).type == 'cpu' else _moved(
        checkpoint, map_location)


def _read(filename: str, path: str) -> Any:
    try:
        return read_archive(path)
    except Damaged:
        pass
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):
            raise
    except _REFUSED as error:
        raise refused(filename, error) from None
    size, remedy = os.path.getsize(path), 'fetch it again or use an earlier one'
    if '://' in filename:
        os.unlink(path)
        remedy = 'the downloaded file was removed, run this again to fetch it anew'
    raise BadValue(f'{filename}: the checkpoint is cut short or damaged ({size} bytes); '
                   f'{remedy}')


def refused(filename: str, error: Exception) -> BadValue:
    """What to say of a file that is no checkpoint, or more than one."""
    said = str(error) if type(error) is ValueError else 'it is no checkpoint'
    return BadValue(f'{filename}: refused: {said:.200}; expected tensors, numbers, strings and '
                    'containers')


def checked_form(checkpoint: Any, filename: str) -> dict:
    """``checkpoint`` itself, if it and its parts have the classic form.

    Raises:
        ValueError: it is no dict, or its ``meta`` or weights are none.
    """
    if not isinstance(checkpoint, dict):
        raise BadValue(f'{filename}: expected a dict of tensors, got {type(checkpoint).__name__}')
    for key in ('meta', 'state_dict'):
        if not isinstance(checkpoint.get(key, {}), (dict, type(None))):
            raise BadValue(f'{filename}: its "{key}" should be a dict, got '
                           f'{type(checkpoint[key]).__name__}')
    for state in (checkpoint, checkpoint.get('state_dict') or {}):
        strange = next((key for key in state if not isinstance(key, str)), None)
        if strange is not None:
            raise BadValue(f'{filename}: expected texts as keys, got {strange!r:.60}')
    return checkpoint


def _moved(value: Any, device: str | torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(item, device) for item in value)
    return value
