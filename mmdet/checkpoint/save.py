"""One atomic writer of checkpoints."""
from typing import Any

import torch

from mmdet.utils.fileio import atomic_write


def save_checkpoint(checkpoint: dict[str, Any], path: str) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    with atomic_write(path) as file:
        target = _Target(file)
        try:
            torch.save(checkpoint, target)
        except RuntimeError:
            if target.error:  # torch hides it behind one of its own
                raise target.error from None
            raise


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
