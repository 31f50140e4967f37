"""Logs: text, json, TensorBoard and others."""
import json
import math
import resource
import time
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook

from mmdet.visualization.curves import draw_run


class LogHook(Hook):
    """Text on the console and in a file, one json dict per line, back ends.

    A line holds epoch, iteration, lr, time left, seconds per step (and of them
    waiting for data), memory in MB, and the mean of every loss since the line
    before.

    Args:
        interval: iterations between lines.
        json_path: the json log.
        backends: have ``add_scalars(dict, step)`` and ``close()``, as mmengine's.
    """
    priority = 'BELOW_NORMAL'

    def __init__(self, interval: int, json_path: str, backends: Sequence[Any] = ()) -> None:
        self.interval = max(1, interval)
        self.json_path, self.backends = json_path, backends
        self.sums: dict[str, list[float]] = {}
        self.failed = False

    def before_train(self, runner: Any) -> None:
        self.begin, self.first = time.time(), runner.iter
        self.paused = 0.

    def before_train_epoch(self, runner: Any) -> None:
        self.last = time.time()

    def before_train_iter(self, runner: Any, batch_idx: int,
                          data_batch: dict | None = None) -> None:
        self.data_time = time.time() - self.last

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        now = time.time()
        for key, value in dict(outputs, time=now - self.last, data_time=self.data_time).items():
            self.sums.setdefault(key, []).append(value)
        self.last = now
        done = batch_idx + 1
        if done % self.interval == 0 or done == len(runner.train_dataloader):
            self.write(runner, batch_idx)

    def write(self, runner: Any, batch_idx: int) -> None:
        """One line of everything since the line before."""
        means = {key: sum(values) / len(values) for key, values in self.sums.items()}
        self.sums = {}
        done = runner.iter - self.first
        left = (time.time() - self.begin - self.paused) / done * (runner.max_iters - runner.iter)
        record = dict(mode='train', epoch=runner.epoch + 1, iter=batch_idx + 1,
                      lr=runner.updater.param_groups[0]['lr'],
                      memory=memory_mb(runner.device), **means)
        shown = ', '.join(f'{key}: {value:.4f}' for key, value in means.items()
                          if key not in ('time', 'data_time'))
        runner.logger.info(
            f'Epoch [{runner.epoch + 1}/{runner.max_epochs}]'
            f'[{batch_idx + 1}/{len(runner.train_dataloader)}]  '
            f'lr: {record["lr"]:.3e}, eta: {clock(left)}, '
            f'time: {means["time"]:.3f} s, data_time: {means["data_time"]:.3f} s, '
            f'memory: {record["memory"]} MB, {shown}')
        self.record(runner, record)

    def before_val(self, runner: Any) -> None:
        self.val_begin = time.time()

    def after_val_epoch(self, runner: Any, metrics: dict | None = None) -> None:
        """The scores (in [0, 1], -1: nothing to find): the first of each kind here, all in json."""
        took = time.time() - self.val_begin
        self.paused += took
        if metrics is None:  # stopped in the middle; one that failed is written down
            return
        # Called between epochs: runner.epoch is the number of finished ones.
        record = dict(mode='val', epoch=runner.epoch, iter=runner.iter, time=took, **metrics)
        first = {key.partition('_')[0]: key for key in reversed(metrics)}  # all are logged above
        shown = ', '.join(f'{key}: {metrics[key]:.4f}' if metrics[key] > -1 else f'{key}: -'
                          for key in reversed(first.values()))
        runner.logger.info(f'Epoch(val) [{runner.epoch}/{runner.max_epochs}]  '
                           f'time: {clock(took)}, {shown or "no scores"}')
        self.record(runner, record)

    def record(self, runner: Any, record: dict) -> None:
        """One line of json, and the back ends named in ``log_config``."""
        if runner.rank != 0:
            return
        rounded = {key: round(value, 8) if isinstance(value, float) else value
                   for key, value in record.items()}
        numbers = {f'{record["mode"]}/{key}': value for key, value in record.items()
                   if isinstance(value, float) and math.isfinite(value)}
        try:
            with open(self.json_path, 'a') as file:
                file.write(json.dumps(rounded) + '\n')
            for backend in self.backends:
                backend.add_scalars(numbers, step=runner.iter)
        except OSError as error:  # a full disk must not end a run
            if not self.failed:
                runner.logger.warning(f'{self.json_path}: lines are missing from here on '
                                      f'({error.strerror or error}); make room, the run goes on')
            self.failed = True

    def after_run(self, runner: Any) -> None:
        for backend in self.backends:
            backend.close()
        if runner.rank == 0:
            try:
                runner.logger.info(f'curves: {draw_run(runner.work_dir)}')
            except (OSError, ValueError) as error:  # a picture must not fail a run
                runner.logger.warning(f'curves.png was not drawn: {error}')


def clock(seconds: float) -> str:
    """3725 -> '1:02:05'."""
    minutes, seconds = divmod(int(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02}:{seconds:02}'


def memory_mb(device: torch.device) -> int:
    """Peak memory of this process: on a GPU, else resident."""
    if device.type == 'cuda':
        return int(torch.cuda.max_memory_allocated(device) / 2**20)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)
