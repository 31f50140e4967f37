"""The learning rate."""
from typing import Any

from mmengine.hooks import Hook

from mmdet.engine.schedule import Schedule


class LrHook(Hook):
    """Set the learning rate of every iteration from ``lr_config``."""
    priority = 'VERY_HIGH'

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def before_train_iter(self, runner: Any, batch_idx: int,
                          data_batch: dict | None = None) -> None:
        for group in runner.updater.param_groups:
            base = group.setdefault('initial_lr', group['lr'])
            group['lr'] = self.schedule(base, runner.epoch, runner.iter)
