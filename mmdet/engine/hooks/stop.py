"""Signals."""
import signal
import threading
import time
from typing import Any

from mmengine.hooks import Hook

STOPPING = signal.SIGTERM, signal.SIGINT  # where both came, the first counts


class TrainingInterrupted(Exception):
    """A signal ended the run after saving; the run can be resumed.

    Attributes:
        signum: the signal.
    """

    def __init__(self, signum: int, path: str) -> None:
        super().__init__(f'stopped by {signal.Signals(signum).name}, saved '
                         f'{path}; go on with --auto-resume')
        self.signum = signum


class StopHook(Hook):
    """SIGTERM and Ctrl-C stop the run after the current update.

    All ranks agree on the step (``Trainer.read``). Launchers repeat SIGTERM, to the group and to
    each process, so only a second Ctrl-C, some seconds later, ends the program
    at once.
    """
    priority = 'LOWEST'
    PATIENCE = 2  # seconds in which a second Ctrl-C is taken for an echo

    def before_train(self, runner: Any) -> None:
        self.runner = runner
        self.since = float('inf')
        # Python lets only the main thread receive signals.
        here = threading.current_thread() is threading.main_thread()
        self.before = {s: signal.signal(s, self.on_signal) for s in STOPPING if here}

    def on_signal(self, signum: int, frame: Any) -> None:
        if signum == signal.SIGINT and time.monotonic() - self.since > self.PATIENCE:
            self.restore()
            raise KeyboardInterrupt
        self.runner.signal_here = self.runner.signal_here or signum
        self.since = min(self.since, time.monotonic())

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        if runner.world_size == 1:  # several agree when they exchange their losses
            runner.stop_signal = runner.signal_here

    def after_run(self, runner: Any) -> None:
        self.restore()

    def restore(self) -> None:
        for signum, handler in self.before.items():
            signal.signal(signum, handler)
        self.before = {}
