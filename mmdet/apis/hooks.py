"""What happens around the steps: learning rate, logs, signals."""
import glob
import json
import math
import os
import resource
import signal
import threading
import time
from typing import Any, Optional

import torch
import torch.distributed as dist
from mmengine.hooks import Hook

from mmdet.visualization.curves import draw_run, read_log

from .env import rank_and_world, same_everywhere
from .schedule import Schedule


class TrainingInterrupted(Exception):
    """A signal ended the run after saving; the run can be resumed.

    Attributes:
        signum: the signal.
    """

    def __init__(self, signum: int, path: str) -> None:
        super().__init__(f'stopped by {signal.Signals(signum).name}, saved '
                         f'{path}; go on with --auto-resume')
        self.signum = signum


class LrHook(Hook):
    """Set the learning rate of every iteration from ``lr_config``."""
    priority = 'VERY_HIGH'

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def before_train_iter(self, runner: Any, batch_idx: int,
                          data_batch: Optional[dict] = None) -> None:
        for group in runner.optim_wrapper.param_groups:
            base = group.setdefault('initial_lr', group['lr'])
            group['lr'] = self.schedule(base, runner.epoch, runner.iter)


class LogHook(Hook):
    """Text on the console and in a file, one json dict a line, back ends.

    A line holds epoch, iteration, lr, time left, seconds a step (and of them
    waiting for data), memory in MB, and the mean of every loss since the line
    before.

    Args:
        interval: iterations between lines.
        json_path: the json log, one dict a line.
    """
    priority = 'BELOW_NORMAL'

    def __init__(self, interval: int, json_path: str) -> None:
        self.interval = max(1, interval)
        self.json_path = json_path
        self.sums: dict[str, float] = {}
        self.count = 0

    def before_train(self, runner: Any) -> None:
        self.begin, self.first = time.time(), runner.iter
        self.paused = 0.

    def before_train_epoch(self, runner: Any) -> None:
        self.last = time.time()

    def before_train_iter(self, runner: Any, batch_idx: int,
                          data_batch: Optional[dict] = None) -> None:
        self.data_time = time.time() - self.last

    def after_train_iter(self, runner: Any, batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        now = time.time()
        values = dict(outputs, time=now - self.last, data_time=self.data_time)
        grad_norm = runner.message_hub.log_scalars.get('train/grad_norm')
        if grad_norm is not None:
            values['grad_norm'] = grad_norm.current()
        self.last = now
        for key, value in values.items():
            self.sums[key] = self.sums.get(key, 0.) + value
        self.count += 1
        if (batch_idx + 1) % self.interval == 0 or (
                batch_idx + 1 == len(runner.train_dataloader)):
            self.write(runner, batch_idx)

    def write(self, runner: Any, batch_idx: int) -> None:
        """One line of everything since the line before."""
        means = {key: value / self.count for key, value in self.sums.items()}
        self.sums, self.count = {}, 0
        done = runner.iter - self.first
        left = (time.time() - self.begin - self.paused) / done * (
            runner.max_iters - runner.iter)
        record = dict(mode='train', epoch=runner.epoch + 1, iter=batch_idx + 1,
                      lr=runner.optim_wrapper.param_groups[0]['lr'],
                      memory=memory_mb(), **means)
        shown = ', '.join(
            f'{key}: {value:.4f}' for key, value in means.items()
            if key not in ('time', 'data_time'))
        runner.logger.info(
            f'Epoch [{runner.epoch + 1}/{runner.max_epochs}]'
            f'[{batch_idx + 1}/{len(runner.train_dataloader)}]  '
            f'lr: {record["lr"]:.3e}, eta: {clock(left)}, '
            f'time: {means["time"]:.3f}, data_time: {means["data_time"]:.3f}, '
            f'memory: {record["memory"]}, {shown}')
        self.record(runner, record)

    def before_val(self, runner: Any) -> None:
        self.val_begin = time.time()

    def after_val_epoch(self, runner: Any,
                        metrics: Optional[dict] = None) -> None:
        took = time.time() - self.val_begin
        self.paused += took
        # Called between epochs: runner.epoch is the number of finished ones.
        record = dict(mode='val', epoch=runner.epoch, iter=runner.iter,
                      time=took, **(metrics or {}))
        shown = ', '.join(f'{key}: {value:.4f}' for key, value in
                          (metrics or {}).items())
        runner.logger.info(f'Epoch(val) [{runner.epoch}/{runner.max_epochs}]  '
                           f'time: {clock(took)}, {shown}')
        self.record(runner, record)

    def record(self, runner: Any, record: dict) -> None:
        """One line of json, and the back ends named in ``log_config``."""
        if runner.rank != 0:
            return
        rounded = {key: round(value, 8) if isinstance(value, float) else value
                   for key, value in record.items()}
        with open(self.json_path, 'a') as file:
            file.write(json.dumps(rounded) + '\n')
        prefix = record['mode']
        runner.visualizer.add_scalars(
            {f'{prefix}/{key}': value for key, value in record.items()
             if isinstance(value, float) and math.isfinite(value)},
            step=runner.iter)

    def after_run(self, runner: Any) -> None:
        runner.visualizer.close()
        if runner.rank == 0:
            try:
                runner.logger.info(f'curves: {draw_run(runner.work_dir)}')
            except (OSError, ValueError) as error:  # a picture must not fail a run
                runner.logger.warning(f'curves.png was not drawn: {error}')


def clock(seconds: float) -> str:
    """3725 -> '1:02:05'."""
    minutes, seconds = divmod(int(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02}:{seconds:02}'


def memory_mb() -> int:
    """Peak memory of this process: the GPU's if there is one, else resident."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated() / 2**20)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


class PendingValidationHook(Hook):
    """A run that was stopped between a checkpoint and its validation makes up for it."""
    priority = 'LOWEST'

    def before_train(self, runner: Any) -> None:
        loop = runner.train_loop
        if runner.val_loop is None or not loop.epoch or loop.inner:
            return
        due = loop.epoch % loop.val_interval == 0 or loop.epoch == loop.max_epochs
        logs = glob.glob(os.path.join(runner.work_dir, '*.log.json'))
        scored = any(r['mode'] == 'val' and r['epoch'] == loop.epoch
                     for path in logs for r in read_log(path))
        if due and not same_everywhere(scored):
            runner.val_loop.run()


class StopHook(Hook):
    """SIGTERM and Ctrl-C save and stop after the current update.

    All ranks agree on the step. Launchers repeat SIGTERM, to the group and to
    each process, so only a second Ctrl-C, some seconds later, ends the program
    at once.
    """
    priority = 'LOWEST'
    SIGNALS = (signal.SIGTERM, signal.SIGINT)
    PATIENCE = 2  # seconds in which a second Ctrl-C is taken for an echo

    def before_train(self, runner: Any) -> None:
        self.received: Optional[int] = None
        self.since = float('inf')
        # Python lets only the main thread receive signals.
        here = threading.current_thread() is threading.main_thread()
        self.before = {s: signal.signal(s, self.on_signal)
                       for s in self.SIGNALS if here}

    def on_signal(self, signum: int, frame: Any) -> None:
        if signum == signal.SIGINT and time.monotonic() - self.since > self.PATIENCE:
            self.restore()
            raise KeyboardInterrupt
        self.received = self.received or signum
        self.since = min(self.since, time.monotonic())

    def restore(self) -> None:
        for signum, handler in self.before.items():
            signal.signal(signum, handler)

    def after_train_iter(self, runner: Any, batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        signum = self.received or 0
        if rank_and_world()[1] > 1:
            shared = torch.tensor([signum], device=runner.device)
            dist.all_reduce(shared, dist.ReduceOp.MAX)
            signum = int(shared)
        self.received = signum or None
        # Between updates gradients are pending, which no checkpoint holds.
        runner.train_loop.stop = bool(signum) and runner.optim_wrapper.should_update()

    def interrupted(self, runner: Any) -> None:
        path = runner.save_now()
        if runner.distributed:
            dist.barrier()  # a rank that leaves early has the others ended
        self.restore()
        raise TrainingInterrupted(self.received, os.path.relpath(path))

    def after_train(self, runner: Any) -> None:
        self.restore()
