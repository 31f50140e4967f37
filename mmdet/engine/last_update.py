"""Where the last update left a run, should the next step fail."""
import os
import time
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmdet.engine import run_state
from mmdet.utils.errors import sentence

PATIENCE = 5.  # seconds a rank leaves to each rank before it


class LastUpdate:
    """Remembers the counts of a trainer, and the running statistics that a step changes.

    Weights and optimiser change only in an update, so after a fault they are still those of
    the last one.

    Args:
        trainer: the run; knows ``epoch``, ``iter``, ``inner``.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.place: tuple[int, int, int] | None = None
        self.saved = 0
        self.moving: list[Tensor] = []
        self.kept: list[Tensor] = []

    def begin_epoch(self) -> None:
        """Find the running statistics; the model is in training mode."""
        norms = (m for m in self.trainer.bare_model.modules() if isinstance(m, _BatchNorm))
        self.moving = [b for m in norms if m.training and m.track_running_stats
                       for b in (m.running_mean, m.running_var, m.num_batches_tracked)
                       if b is not None]
        if len(self.kept) != len(self.moving):
            self.kept = [b.clone() for b in self.moving]
        self.remember()

    def changing(self) -> None:
        """An update begins: until it is done there is nothing whole to save."""
        self.place = None

    def remember(self) -> None:
        """An update is done; nothing happens where gradients wait for the next one."""
        trainer = self.trainer
        if not trainer.updater.is_update(trainer.iter):
            return
        self.place = trainer.epoch, trainer.iter, trainer.inner
        for kept, buffer in zip(self.kept, self.moving):
            kept.copy_(buffer)

    def is_saved(self) -> None:
        """The trainer's state is on the disk."""
        self.saved = self.trainer.iter

    def save(self) -> None:
        """After a fault: write what the last update left, unless it is written already.

        Only one process has to: the first, or the next that misses it. Rank 0 may be gone, or
        wait for this process in an exchange that NCCL does not end.
        """
        trainer, place = self.trainer, self.place
        if place is None or place[1] <= self.saved:
            return
        name = f'iter_{place[1]}.pth'
        path = os.path.join(trainer.work_dir, name)
        if trainer.rank and appears(path, PATIENCE * trainer.rank):
            return
        try:
            self._go_back()
            trainer.checkpoints.write(name, run_state.capture(trainer))
        except Exception as error:
            trainer.logger.error(f'{path}: could not be saved after a fault: {sentence(error)}')
        else:
            trainer.logger.error(f'saved {path} after a fault in step {place[1] + 1}; go on with '
                                 '--auto-resume')

    @torch.no_grad()
    def _go_back(self) -> None:
        trainer = self.trainer
        trainer.epoch, trainer.iter, trainer.inner = self.place
        for kept, buffer in zip(self.kept, self.moving):
            buffer.copy_(kept)


def appears(path: str, seconds: float) -> bool:
    """Whether a file is there or comes within so many seconds."""
    deadline = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(.1)
    return True
