"""What makes an mp4 of pictures: PyAV where it is installed, else OpenCV."""
import contextlib
import fractions
import functools
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from mmdet.formats.pictures import quiet_opencv
from mmdet.utils.errors import BadValue, CannotWrite

try:
    import av
except ImportError:
    av = None

# By name, in the order in which they are tried: the encoders of PyAV, OpenCV's name of it.
# H.264 plays everywhere, but OpenCV's wheels have no encoder; VP9 plays in browsers and most
# players; MPEG-4 part 2 in players only.
CODECS = {
    'h264': (('libx264', 'libopenh264', 'h264_videotoolbox'), 'avc1'),
    'vp9': (('libvpx-vp9', ), 'vp09'),
    'mpeg4': (('mpeg4', ), 'mp4v')}
_OPTIONS = {  # quick, and good enough to look at outlines
    'libx264': dict(preset='ultrafast', crf='20'),
    'libvpx-vp9': dict(deadline='realtime', cpu_used='8', crf='30', b='0')}
_BT709 = 1  # its number in every table of FFmpeg
_TICKS = 30000  # a second, about: a whole number of them is a frame
_THREADS = 4
# FFmpeg's own lines about encoders it lacks; read when OpenCV first opens a video.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')


class AvEncoder:
    """H.264 and others through PyAV: yuv420p, the index in front, exact times.

    Args:
        path: of the file.
        encoder: a name of FFmpeg.
        fps: frames a second.
        size: (width, height) in pixels, both even.
    """

    def __init__(self, path: str, encoder: str, fps: float, size: tuple[int, int]) -> None:
        self.path, self.count, self.last = path, 0, -1  # last: time of a frame, in ticks
        self.failed: str | None = None
        rate = fractions.Fraction(max(fps, 0.001)).limit_denominator(1001)
        with self._told():
            self.container = av.open(path, 'w', options=dict(movflags='faststart'))
            self.stream = self.container.add_stream(
                encoder, rate=rate, options=_OPTIONS.get(encoder, {}))
        self.stream.width, self.stream.height = size
        self.stream.pix_fmt = 'yuv420p'
        context = self.stream.codec_context
        context.thread_count = min(_THREADS, os.cpu_count() or 1)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 1  # as television: 16 to 235
        if encoder == 'mpeg4':
            context.bit_rate = max(10**6, size[0] * size[1] * 6)
        ticks = rate.numerator * max(1, _TICKS // rate.numerator)
        self.rate, self.base = rate, fractions.Fraction(1, ticks)
        context.time_base = self.base

    def write(self, frame: np.ndarray, time: float | None) -> None:
        """Add a frame, uint8 (h, w, 3) BGR, shown ``time`` seconds after the first."""
        picture = av.VideoFrame.from_ndarray(frame, format='bgr24').reformat(
            format='yuv420p', dst_colorspace=_BT709, dst_color_range=1)
        due = self.count / self.rate if time is None else fractions.Fraction(time)
        picture.pts = self.last = max(round(due / self.base), self.last + 1)
        picture.time_base = self.base
        self.count += 1
        with self._told():
            self.container.mux(self.stream.encode(picture))

    def close(self) -> None:
        """Write what the encoder still holds."""
        with self._told(), contextlib.closing(self.container) as container:
            container.mux(self.stream.encode(None))

    def abandon(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(av.FFmpegError):
            self.container.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """CannotWrite, then and from then on: FFmpeg crashes on a file whose header failed."""
        if self.failed is None:
            try:
                yield
                return
            except av.FFmpegError as error:
                self.failed = error.strerror
        raise CannotWrite(f'{self.path}: cannot be written ({self.failed})') from None


class CvEncoder:
    """Through OpenCV, which knows one rate and no times."""

    def __init__(self, path: str, fourcc: str, fps: float, size: tuple[int, int]) -> None:
        with quiet_opencv():
            self.writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*fourcc), fps, size)
        if not self.writer.isOpened():
            raise CannotWrite(f'{path}: cannot be written')

    def write(self, frame: np.ndarray, time: float | None) -> None:
        """Add a frame, uint8 (h, w, 3) BGR."""
        with quiet_opencv():  # it repeats for every frame that the disk is full
            self.writer.write(frame)

    def close(self) -> None:
        """Finish the file."""
        self.writer.release()

    abandon = close


def count_frames(path: str | os.PathLike) -> int:
    """Number of frames that can be read from a video file; 0 if it does not open.

    PyAV counts them without decoding.
    """
    if av is not None:
        try:
            with av.open(os.fspath(path)) as container:
                return sum(packet.size > 0 for packet in container.demux(video=0))
        except (av.FFmpegError, IndexError):
            return 0
    with quiet_opencv():
        capture = cv2.VideoCapture(os.fspath(path))
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


@functools.cache
def working_encoder(codec: str | None) -> functools.partial | None:
    """What opens a file with the first codec that writes three frames and reads them back.

    Args:
        codec: a name out of ``CODECS``; None tries them in their order.

    Returns:
        called with path, frames a second and (width, height) it gives an encoder; None where
        this machine has none.
    """
    for name in CODECS if codec is None else [codec]:
        encoders, fourcc = CODECS[name]
        ways: list[tuple[Any, str]] = [(AvEncoder, encoder) for encoder in encoders if av]
        for kind, argument in [*ways, (CvEncoder, fourcc)]:
            if _works(kind, argument):
                return functools.partial(_open, kind, argument)
    return None


def _open(kind: Any, argument: str, path: str, fps: float, size: tuple[int, int]) -> Any:
    return kind(path, argument, fps, size)


def _works(kind: Any, argument: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'try.mp4')
        try:
            encoder = kind(path, argument, 10, (64, 64))
            for _ in range(3):
                encoder.write(np.zeros((64, 64, 3), np.uint8), None)
            encoder.close()
        except (CannotWrite, ValueError):  # PyAV: an encoder that this build lacks
            return False
        return count_frames(path) == 3


def check_codec(codec: str) -> str | None:
    """The codec of an option, None for ``'auto'``.

    Raises:
        ValueError: it is unknown, or nothing here encodes it.
    """
    if codec == 'auto':
        return None
    if codec not in CODECS:
        raise BadValue(f'codec {codec}: unknown; expected auto, {", ".join(CODECS)}')
    if working_encoder(codec) is None:
        raise BadValue(f'codec {codec}: nothing here encodes it; choose another, or install PyAV '
                       '(pip install av)')
    return codec
