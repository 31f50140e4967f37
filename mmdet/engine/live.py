"""Frames that do not wait: of a camera or stream only the newest is worth a look."""
import collections
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from mmdet.formats.sources import FrameSource, Source, is_running, open_source
from mmdet.utils.errors import NoConnection, UserError, told_to_user

STALL = 30.0  # seconds without a frame, after which it is given up


class NewestFrames(Iterator[np.ndarray]):
    """Reads frames in a thread of its own and gives the newest; those nobody took are dropped.

    At most two frames are held: the newest, and the one that was taken.

    Args:
        frames: uint8 (h, w, 3) BGR, as they come.
        again: opens the source once more when it broke; None: its end is the end.
        logger: hears of that.
        tries: how often in a row it is opened again in vain.
        wait: seconds before each time.

    Attributes:
        dropped: frames that nobody took.
        grabbed: when the frame last taken was read, of ``time.monotonic()``.
        first: the same of the first.

    Raises:
        ConnectionError: when the next frame is asked for: the source broke for good, or gives
            nothing any more.
    """

    def __init__(self, frames: Iterable[np.ndarray], logger: logging.Logger,
                 again: Callable[[], Iterable[np.ndarray]] | None = None, tries: int = 5,
                 wait: float = 2.0) -> None:
        self.logger, self.again, self.tries, self.wait = logger, again, tries, wait
        self.dropped, self.grabbed, self.first = 0, 0.0, 0.0
        self._newest: tuple[np.ndarray, float] | None = None
        self._error: Exception | None = None
        self._ended = self._opening = False
        self._changed, self._closed = threading.Condition(), threading.Event()
        # of a camera that hangs the thread hangs too: the process must be able to end
        self._thread = threading.Thread(target=self._run, args=(frames, ), daemon=True)
        self._thread.start()

    def __next__(self) -> np.ndarray:
        with self._changed:
            while not self._changed.wait_for(lambda: self._newest or self._ended, STALL):
                if not self._opening:  # which has limits of its own
                    raise NoConnection(f'no frame came for {STALL:.0f} seconds; is the camera '
                                       'still there?')
            if self._newest is None:
                if self._error is not None:
                    raise self._error
                raise StopIteration
            (frame, self.grabbed), self._newest = self._newest, None
            self.first = self.first or self.grabbed
        return frame

    def close(self) -> None:
        """Let the source go."""
        self._closed.set()
        self._thread.join(1)

    def _run(self, frames: Iterable[np.ndarray]) -> None:
        try:
            self._read(frames)
        except Exception as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read(self, frames: Iterable[np.ndarray]) -> None:
        """Until the source ends or, opened again and again, gives nothing."""
        failed = 0
        while not self._closed.is_set():
            reason = 'it ended'
            try:
                for frame in frames:
                    failed = 0
                    self._put(frame)
                    if self._closed.is_set():
                        return
            except UserError as error:
                if self.again is None:
                    raise
                reason = told_to_user(error)
            if self.again is None:
                return
            if failed == self.tries:
                raise NoConnection(f'the stream broke and {self.tries} tries to open it again '
                                   f'failed ({reason})')
            failed += 1
            self.logger.warning('the stream broke (%s); opening it again, try %d of %d', reason,
                                failed, self.tries)
            self._opening = True
            self._closed.wait(self.wait)
            frames = _opened(self.again)

    def _put(self, frame: np.ndarray) -> None:
        with self._changed:
            self._opening = False
            self.dropped += self._newest is not None
            self._newest = frame, time.monotonic()
            self._changed.notify_all()


def _opened(again: Callable[[], Iterable[np.ndarray]]) -> Iterator[np.ndarray]:
    """What ``again`` opens, not before the first frame is asked for: it may fail."""
    yield from again()


class Meter:
    """How fast a live video is followed.

    Attributes:
        latency: milliseconds from grabbing a frame to its drawing, of the last one.
    """

    def __init__(self, span: int = 30) -> None:
        self.latency = 0.0
        self._times: collections.deque[float] = collections.deque(maxlen=span)

    def update(self, grabbed: float) -> None:
        """The frame that was read at that time is drawn."""
        now = time.monotonic()
        self._times.append(now)
        self.latency = 1000 * (now - grabbed)

    @property
    def rate(self) -> float:
        """Frames a second, over the last ones; 0 before the second."""
        spent = self._times[-1] - self._times[0] if self._times else 0
        return (len(self._times) - 1) / spent if spent > 0 else 0.0

    def line(self, dropped: int) -> str:
        """``'9.6 frames/s, 104 ms behind, 120 dropped'``."""
        return f'{self.rate:.1f} frames/s, {self.latency:.0f} ms behind, {dropped} dropped'


class LiveSource(FrameSource):
    """The newest frames of a source that is open; what was dropped is counted in ``newest``."""

    def __init__(self, source: FrameSource, newest: NewestFrames) -> None:
        super().__init__(source.name, newest, 0, source.fps, source.where)
        self.newest = newest

    def seconds(self, frame_id: int) -> float:
        """When the frame that was taken last came, after the first; of no other."""
        return self.newest.grabbed - self.newest.first

    def close(self) -> None:
        """Let the source go."""
        self.newest.close()


def open_live(source: Source, logger: logging.Logger) -> LiveSource:
    """A camera or stream whose newest frame is the next; a file is played at its rate.

    Raises:
        FileNotFoundError, ValueError, ConnectionError: it cannot be opened.
    """
    opened = open_source(source)
    running = is_running(source) and not opened.count  # a file behind a URL has an end
    again = (lambda: passing(open_source(source))) if running else None
    frames = passing(opened) if running else played(opened)
    return LiveSource(opened, NewestFrames(frames, logger, again))


def passing(source: FrameSource) -> Iterator[np.ndarray]:
    """Frames as they come; their times are not kept, since there is no end of them."""
    for frame in source.frames:
        yield frame
        del source.times[:-1]


def played(source: FrameSource) -> Iterator[np.ndarray]:
    """The frames of a file at the time when each is shown, as a camera would give them."""
    start = time.monotonic()
    for index, frame in enumerate(source.frames):
        due = source.times[-1] if source.times else index / source.fps
        time.sleep(max(0.0, start + due - time.monotonic()))
        yield frame
