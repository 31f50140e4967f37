"""Scoring between epochs."""
import glob
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmdet.engine.distribution import broadcast
from mmdet.visualization.curves import read_log


@dataclass
class Validation:
    """What is scored, how, and when.

    Attributes:
        dataset: in test mode, with annotations.
        evaluate: ``(model, dataset, device, logger) -> {type: {metric: value}}``,
            called on every rank.
        interval: epochs between two.
    """
    dataset: Any
    evaluate: Callable
    interval: int = 1

    def is_due(self, epoch: int, max_epochs: int) -> bool:
        """Whether to score after so many epochs."""
        return epoch % self.interval == 0 or epoch == max_epochs

    def is_missing(self, work_dir: str, epoch: int) -> bool:
        """Whether no log of a run tells the scores after so many epochs; the same on every rank."""
        logs = glob.glob(os.path.join(work_dir, '*.log.json'))
        scored = any(record['mode'] == 'val' and record['epoch'] == epoch
                     for path in logs for record in read_log(path))
        return not broadcast(scored)
