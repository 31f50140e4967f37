"""One atomic writer of checkpoints."""
import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from mmdet.utils.fileio import atomic_write


def save_checkpoint(checkpoint: dict[str, Any], path: str) -> None:
    """Write a checkpoint whole or not at all.

    Nothing of numpy is stored: its numbers become Python's, its arrays tensors. Tensors are
    stored as those of a CPU, so that any machine reads them.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    with atomic_write(path) as file:
        target = _Target(file)
        try:
            torch.save(_portable(checkpoint), target)
        except RuntimeError:
            if target.error:  # torch hides it behind one of its own
                raise target.error from None
            raise


def _portable(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value if value.is_cpu else value.detach().cpu()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if type(value) in (dict, OrderedDict):
        made = copy.copy(value)  # an OrderedDict of weights has their versions beside them
        made.clear()
        made.update((_portable(key), _portable(item)) for key, item in value.items())
        return made
    if type(value) in (list, tuple):
        return type(value)(map(_portable, value))
    return value


class _Target:
    """A file that remembers why it could not be written."""

    def __init__(self, file: Any) -> None:
        self.file, self.error = file, None

    def write(self, data: Any) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self.file.flush()
