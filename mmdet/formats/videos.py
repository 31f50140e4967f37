"""Frames of a video file, a stream or a camera: through PyAV where it is installed, else OpenCV."""
import itertools
import os
import pathlib
import re
from collections.abc import Iterator

import cv2
import numpy as np

from mmdet.formats.pictures import name_for_opencv, quiet_opencv
from mmdet.utils.errors import BadValue

try:
    import av
except ImportError:  # OpenCV reads too, without exact times and without word of damaged frames
    av = None

VIDEO_SUFFIXES = ('.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.ts', '.wmv',
                  '.flv', '.3gp', '.ogv', '.gif')
MAX_PIXELS = 2**27  # of one frame, as of a picture
PATIENCE = 10.0  # seconds that a stream may give nothing
MAX_FPS = 1000  # streams and cameras report nonsense
# Of tags that are no text; later versions need not be told.
_OPEN = dict(metadata_errors='replace') if av and int(av.__version__.split('.')[0]) < 19 else {}
_SAID = 0.9  # of the length a file states; one that ends earlier was cut


class Video:
    """An open video, whose frames can be gone through once.

    Attributes:
        count: frames the file says it has; 0 where it says nothing.
        length: about how many frames to expect; 0 where that is not known.
        fps: frames a second, on average; 0 where that is not known.
        times: seconds after the first frame, of every frame read so far.
    """

    def __init__(self, where: str) -> None:
        self.where = without_password(where)
        self.count = self.length = 0
        self.fps = 0.0
        self.times: list[float] = []
        self.ended = False  # all there is was read

    def __iter__(self) -> Iterator[np.ndarray]:
        """uint8 (h, w, 3) BGR arrays, upright."""
        for frame, time in self._decoded():
            if frame.shape[0] * frame.shape[1] > MAX_PIXELS:
                raise BadValue(f'{self.where}: frames of {frame.shape[1]}x{frame.shape[0]} pixels, '
                               f'expected at most {MAX_PIXELS} pixels')
            self.times.append(time)
            yield frame
        self.ended = True

    def _decoded(self) -> Iterator[tuple[np.ndarray, float]]:
        raise NotImplementedError

    def _time(self, seconds: float | None) -> float:
        """Of the next frame; later than that of the frame before, whatever the file says."""
        step = 1 / (self.fps or 10)
        if not self.times:
            return 0.0
        after = seconds is not None and seconds > self.times[-1]
        return seconds if after and seconds is not None else self.times[-1] + step

    def damage(self) -> str | None:
        """What a reader must know once all frames were asked for, in one sentence; None if fine."""
        if self.ended and len(self.times) < self.count:
            return (f'{self.where}: only {len(self.times)} of the {self.count} frames that the '
                    'file says it has could be read; it is cut short or damaged, fetch it again')
        return None


class AvVideo(Video):
    """Through PyAV: exact times, rotation, damage; ``av.FFmpegError`` where it does not open."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        stream = '://' in where
        self.container = av.open(where, timeout=PATIENCE if stream else None, **_OPEN)
        if not self.container.streams.video:
            self.container.close()
            raise BadValue(f'{self.where}: no frame could be read; there is no video in this file '
                           '(sound alone, or cut short)')
        self.stream = self.container.streams.video[0]
        # threads that decode a frame each hold as many back
        self.stream.thread_type = 'SLICE' if stream else 'AUTO'
        fps = float(self.stream.average_rate or self.stream.guessed_rate or 0)
        self.fps = fps if 0 < fps <= MAX_FPS else 0.0
        self.seconds = (self.container.duration or 0) / 1e6
        self.count = self.stream.frames
        self.length = self.count or round(self.seconds * self.fps)
        self.bad_frames: list[int] = []
        self.bad_packets = 0

    def _decoded(self) -> Iterator[tuple[np.ndarray, float]]:
        start = None
        try:
            for frame in self._frames():
                if frame.is_corrupt:
                    self.bad_frames.append(len(self.times))
                start = frame.time if start is None else start
                known = frame.time is not None and start is not None
                picture = frame.to_ndarray(format='bgr24')
                if frame.rotation:
                    picture = np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))
                yield picture, self._time(frame.time - start if known else None)
        finally:
            self.container.close()

    def _frames(self) -> Iterator['av.VideoFrame']:
        """What can be decoded; a damaged part is passed over and counted."""
        try:
            for packet in self.container.demux(self.stream):
                try:
                    yield from packet.decode()
                except av.FFmpegError:
                    self.bad_packets += 1
        except av.FFmpegError:  # nothing further can be found in the file
            self.bad_packets += 1

    def damage(self) -> str | None:
        """As of :class:`Video`; parts that could not be decoded and an early end (seconds) too."""
        end = self.times[-1] + 1 / self.fps if self.times and self.fps else 0
        told = super().damage()
        if told or not self.ended:
            return told
        if self.bad_packets or self.bad_frames:
            first = f'; the first of them is frame {self.bad_frames[0]}' if self.bad_frames else ''
            return (f'{self.where}: the file is damaged: {self.bad_packets} of its parts could not '
                    f'be decoded, {len(self.bad_frames)} frames are faulty{first}; fetch it again')
        if not self.count and 0 < end < _SAID * self.seconds:
            return (f'{self.where}: the frames end after {end:.1f} of the {self.seconds:.1f} '
                    'seconds that the file says it has; it is cut short, fetch it again')
        return None


class CvVideo(Video):
    """Through OpenCV. ``source``: a name, or the number of a camera."""

    def __init__(self, source: str | int) -> None:
        super().__init__(f'camera {source}' if isinstance(source, int) else source)
        with quiet_opencv():
            self.capture = cv2.VideoCapture(source)
        fps = self.capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps <= MAX_FPS else 0.0
        if isinstance(source, str) and self.capture.isOpened():
            stated = self.capture.get(cv2.CAP_PROP_FRAME_COUNT)
            self.length = int(stated) if 0 < stated < 2**31 else 0
            # of other containers OpenCV estimates it
            if pathlib.Path(source).suffix.lower() in ('.mp4', '.m4v', '.mov', '.avi'):
                self.count = self.length

    def _decoded(self) -> Iterator[tuple[np.ndarray, float]]:
        try:
            while True:
                with quiet_opencv():
                    found, frame = self.capture.read()
                if not found:
                    return
                yield frame, self._time(self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        finally:
            self.capture.release()


def open_video(source: str | os.PathLike | int) -> tuple[Video, Iterator[np.ndarray]]:
    """Open a video and decode its first frame, so that what is none is told at once.

    Args:
        source: a file, the URL of a stream, or the number of a camera.

    Returns:
        the video and all its frames.

    Raises:
        ValueError: no frame could be read.
    """
    if isinstance(source, int):
        video: Video = CvVideo(source)
    else:
        video = _open_file(name_for_opencv(source))
    frames = iter(video)
    first = next(frames, None)
    if first is None and isinstance(source, int):
        raise BadValue(f'camera {source}: no picture; is it connected, and free?')
    if first is None and '://' in video.where:
        raise BadValue(f'{video.where}: no frame came; is it running, and is the address right?')
    if first is None:
        raise BadValue(f'{video.where}: no frame could be read; expected a video, and this is '
                       'something else, cut short or in a format unknown here: fetch it again, '
                       'convert it, or extract its frames into a folder')
    return video, itertools.chain([first], frames)


def without_password(where: str) -> str:
    """The address of a stream as it may be shown: without ``user:password@``."""
    return re.sub('//[^/?#]*@', '//', where)


def _open_file(name: str) -> Video:
    if av is not None:
        try:
            return AvVideo(name)
        except av.FFmpegError:
            pass  # OpenCV has more ways to open a stream, and says no in its turn
    return CvVideo(name)
