"""The checkpoints of a run: which are kept, and finding the newest that is whole."""
import contextlib
import glob
import logging
import os

from mmdet.checkpoint import read_checkpoint, save_checkpoint
from mmdet.utils.errors import BadKey, CannotWrite

PATTERNS = ('epoch_*.pth', 'iter_*.pth')


def list_checkpoints(work_dir: str) -> list[str]:
    """Regular checkpoints of a run, oldest first; partial files have other names."""
    paths = [p for pattern in PATTERNS
             for p in glob.glob(os.path.join(work_dir, pattern))]
    return sorted(paths, key=lambda p: (os.stat(p).st_mtime_ns, p))


def find_latest(work_dir: str, logger: logging.Logger) -> str | None:
    """The newest checkpoint that can be read; damaged ones are reported."""
    for path in reversed(list_checkpoints(work_dir)):
        try:
            read_checkpoint(path)
        except ValueError as error:
            logger.warning(f'{error}; using the one before')
        else:
            return path
    return None


class CheckpointFolder:
    """Writes checkpoints, keeps the last few and the best.

    Args:
        folder: where they go.
        interval: epochs (or iterations) between checkpoints; -1: only the end.
        by_epoch: whether ``interval`` counts epochs.
        max_keep_ckpts: how many regular ones stay; -1: all.
        save_best: the metric whose best weights are kept as ``best.pth``,
            ``'auto'``: the first one ending in ``AP``, else the last; None: none.
        save_optimizer: False makes smaller files that cannot be resumed.
    """

    def __init__(self, folder: str, interval: int = 1, by_epoch: bool = True,
                 max_keep_ckpts: int = -1, save_best: str | None = 'auto',
                 save_optimizer: bool = True) -> None:
        self.folder, self.interval, self.by_epoch = folder, interval, by_epoch
        self.max_keep_ckpts, self.save_best = max_keep_ckpts, save_best
        self.save_optimizer = save_optimizer
        self.best = float('-inf')

    def due_after_step(self, iteration: int) -> bool:
        """Whether to save after so many steps of the run."""
        return not self.by_epoch and self.interval > 0 and iteration % self.interval == 0

    def due_after_epoch(self, epoch: int, max_epochs: int) -> bool:
        """Whether to save after so many epochs."""
        regular = self.by_epoch and self.interval > 0 and epoch % self.interval == 0
        return regular or epoch == max_epochs

    def write(self, name: str, checkpoint: dict) -> str:
        """Write, point ``latest.pth`` to it, and only then remove old ones; returns the path."""
        path = self._write(name, checkpoint)
        _link(name, os.path.join(self.folder, 'latest.pth'))
        if self.max_keep_ckpts > 0:
            for old in list_checkpoints(self.folder)[:-self.max_keep_ckpts]:
                os.unlink(old)
        return path

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
            with contextlib.suppress(ValueError, KeyError):
                self.best = read_checkpoint(path)['meta']['best']

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
