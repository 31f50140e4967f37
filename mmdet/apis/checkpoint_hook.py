"""Which checkpoints are kept, and finding the newest that is whole."""
import contextlib
import glob
import logging
import os
from typing import Any, Optional

from mmengine.hooks import Hook

from mmdet.checkpoint import read_checkpoint

PATTERNS = ('epoch_*.pth', 'iter_*.pth')


def list_checkpoints(work_dir: str) -> list[str]:
    """Regular checkpoints of a run, oldest first; partial files have other names."""
    paths = [p for pattern in PATTERNS
             for p in glob.glob(os.path.join(work_dir, pattern))]
    return sorted(paths, key=lambda p: (os.stat(p).st_mtime_ns, p))


def find_latest(work_dir: str, logger: logging.Logger) -> Optional[str]:
    """The newest checkpoint that can be read; damaged ones are reported."""
    for path in reversed(list_checkpoints(work_dir)):
        try:
            read_checkpoint(path)
        except ValueError as error:
            logger.warning(f'{error}; using the one before')
        else:
            return path
    return None


class CheckpointHook(Hook):
    """Save regularly, keep the last few and the best.

    Args:
        interval: epochs (or iterations) between checkpoints; -1: only the end.
        by_epoch: whether ``interval`` counts epochs.
        max_keep_ckpts: how many regular ones stay; -1: all.
        save_best: the metric whose best weights are kept as ``best.pth``,
            ``'auto'``: the first one ending in ``AP``; None: none.
        save_optimizer: False makes smaller files that cannot be resumed.
    """
    priority = 'VERY_LOW'

    def __init__(self, interval: int = 1, by_epoch: bool = True,
                 max_keep_ckpts: int = -1,
                 save_best: Optional[str] = 'auto',
                 save_optimizer: bool = True) -> None:
        self.interval, self.by_epoch = interval, by_epoch
        self.max_keep_ckpts, self.save_best = max_keep_ckpts, save_best
        self.save_optimizer = save_optimizer
        self.best = float('-inf')

    def before_train(self, runner: Any) -> None:
        path = os.path.join(runner.work_dir, 'best.pth')
        # Only a resumed run competes with what an earlier one reached.
        if runner.iter > 0 and os.path.isfile(path):
            with contextlib.suppress(ValueError, KeyError):
                self.best = read_checkpoint(path)['meta']['best']

    def after_train_iter(self, runner: Any, batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        if self.by_epoch or self.interval <= 0:
            return
        if runner.iter % self.interval == 0:
            self.save(runner, f'iter_{runner.iter}.pth', runner.epoch)

    def after_train_epoch(self, runner: Any) -> None:
        done = runner.epoch + 1
        due = self.by_epoch and self.interval > 0 and done % self.interval == 0
        if due or done == runner.max_epochs:
            self.save(runner, f'epoch_{done}.pth', done)

    def save(self, runner: Any, name: str, epoch: int) -> str:
        """Write, point ``latest.pth`` to it, and only then remove old ones."""
        path = os.path.join(runner.work_dir, name)
        runner.write_checkpoint(path, epoch, self.save_optimizer)
        if runner.rank == 0:
            _link(name, os.path.join(runner.work_dir, 'latest.pth'))
            if self.max_keep_ckpts > 0:
                for old in list_checkpoints(
                        runner.work_dir)[:-self.max_keep_ckpts]:
                    os.unlink(old)
        return path

    def after_val_epoch(self, runner: Any,
                        metrics: Optional[dict] = None) -> None:
        key = self.save_best
        if key == 'auto':
            key = next((k for k in metrics or {} if k.endswith('AP')), None)
        if key is None or not metrics:
            return
        if key not in metrics:
            raise KeyError(f'checkpoint_config.save_best is "{key}"; the '
                           f'metrics are {", ".join(metrics)}')
        if metrics[key] > self.best:
            self.best = metrics[key]
            path = os.path.join(runner.work_dir, 'best.pth')
            runner.write_checkpoint(path, runner.epoch, self.save_optimizer,
                                    best=self.best, metrics=dict(metrics))
            runner.logger.info(f'best {key} so far: {self.best:.4f}, {path}')


def _link(name: str, path: str) -> None:
    """Point a symbolic link to ``name`` in its folder, at once."""
    temporary = f'{path}.{os.getpid()}'
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(name, temporary)
    os.replace(temporary, path)
