"""Frames that could not be read."""
from typing import Any

from mmengine.hooks import Hook

from mmdet.utils.errors import BadValue


class SkippedHook(Hook):
    """Count and list the frames the data set left out; more than allowed end the run.

    Args:
        limit: ``data.train.skip_broken``, for each process.
    """
    priority = 'VERY_HIGH'

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.frames: set[str] = set()

    def before_train_iter(self, runner: Any, batch_idx: int,
                          data_batch: dict | None = None) -> None:
        for meta in data_batch['img_meta']:
            for said in set(meta.get('skipped', ())) - self.frames:
                self.frames.add(said)
                runner.logger.warning(f'skipped frame {len(self.frames)}: {said}')
        if len(self.frames) > self.limit:
            raise BadValue(f'more than {self.limit} frames cannot be read '
                           '(data.train.skip_broken); the log lists them')
