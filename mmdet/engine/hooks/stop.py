"""Signals."""
import signal
import threading
import time
from typing import Any

from mmengine.hooks import Hook

from mmdet.engine.distribution import largest


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

    All ranks agree on the step. Launchers repeat SIGTERM, to the group and to
    each process, so only a second Ctrl-C, some seconds later, ends the program
    at once.
    """
    priority = 'LOWEST'
    SIGNALS = (signal.SIGTERM, signal.SIGINT)
    PATIENCE = 2  # seconds in which a second Ctrl-C is taken for an echo

    def before_train(self, runner: Any) -> None:
        self.received: int | None = None
        self.since = float('inf')
        # Python lets only the main thread receive signals.
        here = threading.current_thread() is threading.main_thread()
        self.before = {s: signal.signal(s, self.on_signal) for s in self.SIGNALS if here}

    def on_signal(self, signum: int, frame: Any) -> None:
        if signum == signal.SIGINT and time.monotonic() - self.since > self.PATIENCE:
            self.restore()
            raise KeyboardInterrupt
        self.received = self.received or signum
        self.since = min(self.since, time.monotonic())

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        self.received = largest(self.received or 0, runner.device) or None
        runner.stop_signal = self.received

    def after_run(self, runner: Any) -> None:
        self.restore()

    def restore(self) -> None:
        for signum, handler in self.before.items():
            signal.signal(signum, handler)
        self.before = {}
