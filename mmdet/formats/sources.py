"""Frames from a video file, a folder, a camera, or memory."""
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from mmdet.formats.frame_files import IMAGE_SUFFIXES, list_images
from mmdet.formats.pictures import name_for_opencv, quiet_opencv, read_picture
from mmdet.utils.errors import BadType, BadValue, MissingFile
from mmdet.utils.names import file_name

Source = str | os.PathLike | int | Sequence


@dataclasses.dataclass
class FrameSource:
    """Frames of one video, in order.

    Attributes:
        name: for file names.
        frames: uint8 (h, w, 3) BGR arrays; can be gone through once.
        count: number of frames; 0 where it is not known.
        fps: frames a second.
    """
    name: str
    frames: Iterable[np.ndarray]
    count: int
    fps: float


def open_source(source: Source, fps: float | None = None) -> FrameSource:
    """Open whatever holds frames.

    Args:
        source: a video file or stream URL, a folder of pictures (in the order
            of the numbers in their names), a camera index, or a list of paths
            and uint8 (h, w, 3) BGR arrays.
        fps: frames a second; by default the file's, or 10.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: no frame in it.
    """
    if isinstance(source, int) or isinstance(source, str) and source.isdigit():
        return _open_video(int(source), f'camera{source}', fps)
    if not isinstance(source, (str, os.PathLike)):
        return FrameSource('frames', (_as_frame(frame) for frame in source), len(source), fps or 10)
    path = os.fspath(source)
    if '://' in path:
        return _open_video(path, 'stream', fps)
    if not os.path.exists(path):
        raise MissingFile(f'{path}: no such video file or folder of frames')
    name = file_name(pathlib.Path(path).resolve().stem, 'video')
    if os.path.isdir(path):
        names = list_images(path)
        if not names:
            raise BadValue(f'{path}: no pictures in this folder; expected frames as '
                             f'{", ".join(IMAGE_SUFFIXES)}')
        frames = (read_picture(os.path.join(path, n)) for n in names)
        return FrameSource(name, frames, len(names), fps or 10)
    return _open_video(path, name, fps)


def _as_frame(frame: str | os.PathLike | np.ndarray) -> np.ndarray:
    if isinstance(frame, (str, os.PathLike)):
        return read_picture(frame)
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.shape[2:] != (3, ):
        is_array = isinstance(frame, np.ndarray)
        got = f'{frame.dtype} {frame.shape}' if is_array else type(frame).__name__
        raise BadType(f'frame: expected a path or a uint8 array (h, w, 3) in BGR order, got {got}')
    return frame


def _open_video(source: str | int, name: str, fps: float | None) -> FrameSource:
    with quiet_opencv():
        capture = cv2.VideoCapture(
            source if isinstance(source, int) else name_for_opencv(source))
        found, first = capture.read()
    if not found and isinstance(source, int):
        raise BadValue(f'camera {source}: no picture; is it connected, and free?')
    if not found:
        raise BadValue(f'{source}: no frame could be read; expected a video that OpenCV '
                         'decodes: convert it, or extract its frames into a folder')
    count = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) if isinstance(source, str) else 0
    rate = capture.get(cv2.CAP_PROP_FPS)
    rate = rate if 0 < rate <= 240 else 10  # streams and cameras report 0 or nonsense
    return FrameSource(name, _video_frames(capture, first), count, fps or rate)


def _video_frames(capture: cv2.VideoCapture, frame: np.ndarray) -> Iterator[np.ndarray]:
    found = True
    while found:
        yield frame
        found, frame = capture.read()
    capture.release()
