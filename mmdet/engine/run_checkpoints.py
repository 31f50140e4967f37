"""The checkpoints of a run: which are kept, and finding the newest that resumes."""
import contextlib
import glob
import logging
import math
import os
import time
from typing import Any

from mmdet.checkpoint import read_checkpoint, save_checkpoint
from mmdet.checkpoint.meta import read_meta
from mmdet.engine.resume import check_resumable
from mmdet.utils.errors import BadKey, BadValue, CannotWrite

PATTERNS = ('epoch_*.pth', 'iter_*.pth')
HOUR = 3600.
MINUTES = 15  # between two checkpoints of a run that is older than an hour


UNKNOWN = math.inf, math.inf


def progress_of(path: str) -> tuple[float, float]:
    """How far a run was when a checkpoint was written: epochs, the one begun in part, and steps.

    Epochs come first, because the steps of an epoch change with the batch size. A file that does
    not say is ``UNKNOWN``, which is after all others.
    """
    try:
        meta = read_meta(path)
    except BadValue:
        return UNKNOWN
    epoch, steps, inner, length = (meta.get(key) for key in (
        'epoch', 'iter', 'inner', 'steps_per_epoch'))
    if type(epoch) is not int or type(steps) is not int:
        return UNKNOWN
    begun = inner / length if type(inner) is type(length) is int and length > 0 else 0
    return epoch + begun, steps


def list_checkpoints(work_dir: str) -> list[str]:
    """Regular checkpoints of a run, least progress first, unreadable ones last.

    Neither clocks nor copying change the order. Partial files have other names.
    """
    paths = [path for pattern in PATTERNS for path in glob.glob(os.path.join(work_dir, pattern))]
    return sorted(paths, key=lambda path: (progress_of(path), path))


def find_latest(work_dir: str, logger: logging.Logger) -> str | None:
    """The checkpoint with the most progress from which a run can go on; others are reported.

    Raises:
        ValueError: there are checkpoints, but none that can be resumed.
    """
    paths = list_checkpoints(work_dir)
    for path in reversed(paths):
        try:
            check_resumable(read_checkpoint(path), path)
        except (BadValue, OSError) as error:
            logger.warning(f'{error}; trying the one before')
        else:
            return path
    if paths:
        raise BadValue(f'{work_dir}: none of its {len(paths)} checkpoints can be resumed; start '
                       'from weights with --load_from and another --work_dir')
    return None


class CheckpointFolder:
    """Writes checkpoints, keeps the last few and the best.

    With ``by_epoch`` the files named ``iter_N.pth`` (written by time, after a signal or a
    fault) go as soon as a newer checkpoint is there.

    Args:
        folder: where they go.
        interval: epochs (or iterations) between checkpoints; -1: only the end.
        by_epoch: whether ``interval`` counts epochs.
        max_keep_ckpts: how many regular ones stay; -1: all.
        save_best: the metric whose best weights are kept as ``best.pth``,
            ``'auto'``: the first one ending in ``AP``, else the last; None: none.
        save_optimizer: False makes smaller files that cannot be resumed.
        minutes: also write one when the last is so old; None: 15 once the run is older than
            an hour; 0: never.
    """

    def __init__(self, folder: str, interval: int = 1, by_epoch: bool = True,
                 max_keep_ckpts: int = -1, save_best: str | None = 'auto',
                 save_optimizer: bool = True, minutes: float | None = None) -> None:
        self.folder, self.interval, self.by_epoch = folder, interval, by_epoch
        self.max_keep_ckpts, self.save_best = max_keep_ckpts, save_best
        self.save_optimizer, self.minutes = save_optimizer, minutes
        self.best = float('-inf')
        self.begin = self.last = time.monotonic()

    def due_after_step(self, iteration: int) -> bool:
        """Whether to save after so many steps of the run."""
        return not self.by_epoch and self.interval > 0 and iteration % self.interval == 0

    def due_after_epoch(self, epoch: int, max_epochs: int) -> bool:
        """Whether to save after so many epochs."""
        regular = self.by_epoch and self.interval > 0 and epoch % self.interval == 0
        return regular or epoch == max_epochs

    def overdue(self) -> bool:
        """Whether the last checkpoint is older than ``minutes``, by this process's clock."""
        now, minutes = time.monotonic(), self.minutes
        if minutes is None:
            minutes = MINUTES if now - self.begin >= HOUR else 0
        return minutes > 0 and now - self.last >= 60 * minutes

    def write(self, name: str, checkpoint: dict) -> str:
        """Write, point ``latest.pth`` to it, and only then remove old ones; returns the path."""
        path = self._write(name, checkpoint)
        _link(name, os.path.join(self.folder, 'latest.pth'))
        self.last = time.monotonic()
        self._remove_old(path)
        return path

    def _remove_old(self, newest: str) -> None:
        """What is not further than the newest; files that cannot be read are left alone."""
        done = progress_of(newest)
        old = [path for path in list_checkpoints(self.folder)
               if progress_of(path) <= done and path != newest]
        passing = [path for path in old
                   if self.by_epoch and os.path.basename(path).startswith('iter_')]
        regular = [path for path in old if path not in passing]
        kept = self.max_keep_ckpts - 1 if self.max_keep_ckpts > 0 else len(regular)
        for path in passing + regular[:max(len(regular) - kept, 0)]:
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                os.unlink(path)

    def _write(self, name: str, checkpoint: dict) -> str:
        path = os.path.join(self.folder, name)
        try:
            save_checkpoint(checkpoint, path)
        except OSError as error:
            raise CannotWrite(
                f'{path}: cannot be written ({error.strerror}); earlier checkpoints are '
                'untouched, make room and go on with --auto-resume') from error
        return path

    def recall_best(self) -> None:
        """A resumed run competes with what an earlier one reached."""
        path = os.path.join(self.folder, 'best.pth')
        if os.path.isfile(path):
            with contextlib.suppress(ValueError):
                best: Any = read_meta(path).get('best')
                self.best = best if isinstance(best, float) else self.best

    def is_best(self, metrics: dict[str, float]) -> str | None:
        """The metric that is better than ever before, or None.

        Raises:
            KeyError: the metric of ``save_best`` is not among them.
        """
        key = self.save_best
        if key == 'auto':
            key = next((k for k in metrics if k.endswith('AP')), next(reversed(metrics), None))
        if key is None or not metrics:
            return None
        if key not in metrics:
            raise BadKey(f'checkpoint_config.save_best is "{key}"; the metrics are '
                         f'{", ".join(metrics)}')
        if not metrics[key] > self.best:
            return None
        self.best = metrics[key]
        return key

    def write_best(self, checkpoint: dict) -> str:
        """Write ``best.pth``; returns its path."""
        return self._write('best.pth', checkpoint)


def _link(name: str, path: str) -> None:
    """Point a symbolic link to ``name`` in its folder, at once."""
    temporary = f'{path}.{os.getpid()}'
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(name, temporary)
    os.replace(temporary, path)
