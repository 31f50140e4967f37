"""Writing a video that opens again, or a strip of its frames."""
import contextlib
import functools
import logging
import os
import pathlib
import tempfile

import cv2
import numpy as np

from mmdet.formats.pictures import name_for_opencv, quiet_opencv, write_picture
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import open_partial, publish, told
from mmdet.visualization.strip import Sampler, contact_strip

# In this order: H.264 plays everywhere but OpenCV's wheels have no encoder,
# VP9 plays in browsers and most players, MPEG-4 part 2 in players only.
CODECS = ('avc1', 'vp09', 'mp4v')
# FFmpeg's own lines about encoders it lacks; read when a video is first opened.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')


def count_frames(path: str | os.PathLike) -> int:
    """Number of frames that can be read from a video file; 0 if it does not open."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


@quiet_opencv()
def _open(path: str, codec: str, fps: float, size: tuple[int, int]) -> cv2.VideoWriter:
    return cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*codec), fps, size)


@functools.cache
def working_codec() -> str | None:
    """The first of ``CODECS`` that writes three frames and reads them back."""
    frame = np.zeros((64, 64, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for codec in CODECS:
            path = os.path.join(folder, f'{codec}.mp4')
            writer = _open(path, codec, 10, (64, 64))
            for _ in range(3 if writer.isOpened() else 0):
                writer.write(frame)
            writer.release()
            if count_frames(path) == 3:
                return codec
    return None


class VideoWriter:
    """An mp4 written frame by frame, checked when it is closed.

    The file is written under a temporary name and renamed once it was opened
    again and has every frame. Where no encoder works, a PNG strip of the
    frames takes its place and the log says so. Use as a context manager; when
    the block raises, nothing is left.

    Attributes:
        written: the ``.mp4`` or ``.png``, once closed; None without frames.

    Args:
        path: ends with ``.mp4``; its folder is made.
        fps: frames a second.
        logger: for the one line about a strip.
        strip_frames: how many frames the strip shows.

    Raises:
        BadValue: a frame of another size, or a name that OpenCV cannot open.
        CannotWrite: the disk is full or read-only.
    """

    def __init__(self, path: str | os.PathLike, fps: float = 10,
                 logger: logging.Logger | None = None, strip_frames: int = 8) -> None:
        self.path = pathlib.Path(path)
        if self.path.suffix.lower() != '.mp4':
            raise BadValue(f'{path}: expected a name that ends with .mp4; choose one')
        name_for_opencv(self.path)
        self.fps = fps
        self.handle, self.partial = None, None
        self.logger = logger or logging.getLogger(__name__)
        self.sampler = Sampler(strip_frames)
        self.writer, self.size = None, None
        self.closed, self.written = False, None

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    def write(self, frame: np.ndarray) -> None:
        """Add a frame, uint8 (h, w, 3) BGR; all must have the size of the first."""
        if self.size is None:
            self._start(frame.shape[1], frame.shape[0])
        height, width = frame.shape[:2]
        if (width, height) != self.size:
            raise BadValue(f'{self.path}: frame {self.sampler.seen} is {width}x{height}, '
                           f'the first was {self.size[0]}x{self.size[1]}; resize it')
        self.sampler.add(frame.copy())
        if self.writer is not None:
            # encoders halve the colour planes: odd sizes get one more line
            padded = cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            with quiet_opencv():  # it repeats for every frame that the disk is full
                self.writer.write(padded)

    def _start(self, width: int, height: int) -> None:
        self.size = (width, height)
        codec = working_codec()
        if codec is None:
            return
        even = (width + width % 2, height + height % 2)
        with told(self.path):
            self.handle, self.partial = open_partial(self.path, '.mp4')
        writer = _open(self.partial, codec, self.fps, even)
        self.writer = writer if writer.isOpened() else None

    def close(self) -> pathlib.Path | None:
        """Finish the file; returns what was written (``.mp4`` or ``.png``), None without frames."""
        if not self.closed:
            self.closed = True
            self.written = self._finish() if self.sampler.seen else None
        return self.written

    def _finish(self) -> pathlib.Path:
        try:
            if self.writer is not None:
                self.writer.release()
                self.writer = None
                if count_frames(self.partial) == self.sampler.seen:
                    with told(self.path):
                        publish(self.partial, self.path)
                    return self.path
            if self.handle is not None:
                self._check_room()
        finally:
            self._discard()
        return self._write_strip()

    def _check_room(self) -> None:
        """CannotWrite if it is the disk that an incomplete file is due to."""
        with told(self.path), open(self.partial, 'ab') as file:
            file.write(bytes(2**20))
            file.flush()
            os.fsync(file.fileno())

    def _write_strip(self) -> pathlib.Path:
        path = self.path.with_suffix('.png')
        write_picture(contact_strip(self.sampler.picked()), path)
        self.logger.warning(
            '%s: this OpenCV has no working mp4 encoder (tried %s); wrote a strip of frames, '
            '%s, instead', self.path, ', '.join(CODECS), path)
        return path

    def _discard(self) -> None:
        if self.writer is not None:
            self.writer.release()
            self.writer = None
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.partial)
