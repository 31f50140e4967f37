"""Ctrl-C and SIGTERM that end a job, and leave what was found."""
import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

PATIENCE = 1  # seconds in which a second signal is taken for an echo of the first


class Stopped(KeyboardInterrupt):
    """A signal came.

    Attributes:
        signum: which.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f'stopped by {signal.Signals(signum).name}')
        self.signum = signum


class Stops:
    """While the block runs, SIGINT and SIGTERM raise :class:`Stopped`, at once or when allowed.

    Python lets only the main thread receive signals; in others nothing is changed.

    Attributes:
        received: the first signal that came; None without.
    """
    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received: int | None = None
        self._since = 0.0
        self._holds, self._waiting = 0, False

    def __enter__(self) -> 'Stops':
        here = threading.current_thread() is threading.main_thread()
        self._before = {s: signal.signal(s, self._on_signal) for s in self.SIGNALS if here}
        return self

    def __exit__(self, *error: Any) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def _on_signal(self, signum: int, frame: Any) -> None:
        now = time.monotonic()
        if self.received is not None and now - self._since < PATIENCE:
            return
        self.received, self._since = self.received or signum, now
        if self._holds:
            self._waiting = True
        else:
            raise Stopped(signum)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nothing interrupts the block; a signal that came raises at its end."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._waiting and not self._holds:
            self._waiting = False
            raise Stopped(self.received)
