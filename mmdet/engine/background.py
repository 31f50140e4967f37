"""Work that follows the network: done while it is busy with the next frame."""
import collections
import concurrent.futures
from collections.abc import Callable
from typing import Any


class Background:
    """Calls a function in a thread of its own, in the order of the calls.

    Args:
        function: what to call.
        ahead: calls that may wait; a further one waits for room. With 0 there is no thread.

    An error of ``function`` is raised by the next call or by :meth:`finish`, and what was
    called after it is not done. As a context manager it finishes, or stops when the block raises.
    """

    def __init__(self, function: Callable[..., Any], ahead: int) -> None:
        self.function, self.ahead = function, ahead
        self._pool = concurrent.futures.ThreadPoolExecutor(1, 'after') if ahead else None
        self._waiting: collections.deque[concurrent.futures.Future] = collections.deque()
        self._failed = False

    def __enter__(self) -> 'Background':
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            self.finish()
        else:
            self.stop()

    def __call__(self, *args: Any) -> None:
        if self._pool is None:
            self.function(*args)
            return
        self._drop_done()
        while len(self._waiting) >= self.ahead:
            self._waiting[0].result()
            self._waiting.popleft()
        self._waiting.append(self._pool.submit(self._call, *args))

    def _call(self, *args: Any) -> None:
        if self._failed:
            return
        try:
            self.function(*args)
        except BaseException:
            self._failed = True
            raise

    def _drop_done(self) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait until all is done."""
        try:
            while self._waiting:
                self._waiting[0].result()
                self._waiting.popleft()
        finally:
            self.stop()

    def stop(self) -> None:
        """Leave what is still waiting undone."""
        for call in self._waiting:
            call.cancel()
        self._waiting.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
