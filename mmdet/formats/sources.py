"""Frames from a video file, a folder, a camera, or memory."""
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeGuard

import numpy as np
from PIL import Image, ImageOps

from mmdet.formats.frame_files import IMAGE_SUFFIXES, list_images, natural_key
from mmdet.formats.pictures import read_picture
from mmdet.formats.videos import VIDEO_SUFFIXES, open_video
from mmdet.utils.errors import BadType, BadValue, MissingFile
from mmdet.utils.names import file_name

Picture = str | os.PathLike | np.ndarray | Image.Image
Source = Picture | int | Iterable[Picture]
_WANTED = ('a path, a uint8 array (h, w, 3) in BGR order, or a PIL picture')


@dataclasses.dataclass
class FrameSource:
    """Frames of one video, in order.

    Attributes:
        name: for file names.
        frames: uint8 (h, w, 3) BGR arrays; can be gone through once.
        count: about how many frames there are; 0 where that is not known.
        fps: frames a second.
        where: the file or folder, absolute; or what else it is, for messages.
        is_picture: it is a single picture and no video.
        names: of the frames, where each is a file.
        times: seconds after the first frame, of the frames read so far; empty where only the
            rate is known.
        damage: called after the last frame, it says what was wrong with the file.
    """
    name: str
    frames: Iterator[np.ndarray]
    count: int
    fps: float
    where: str = 'frames'
    is_picture: bool = False
    names: Sequence[str] = ()
    times: list[float] = dataclasses.field(default_factory=list)
    damage: Callable[[], str | None] = lambda: None

    def seconds(self, frame_id: int) -> float | None:
        """When a frame that was read is shown, after the first; None: only the rate is known."""
        return self.times[frame_id] if self.times else None

    def close(self) -> None:
        """Nothing more is asked for; most sources end with their frames."""

    def frame_name(self, frame_id: int) -> str:
        """What messages call a frame."""
        if frame_id < len(self.names):
            return os.path.join(self.where, self.names[frame_id])
        return self.where if self.is_picture else f'{self.where}, frame {frame_id}'

    def even_frames(self) -> Iterator[np.ndarray]:
        """The frames, all of one size.

        Raises:
            ValueError: a frame has another size than the first, or there is no frame.
        """
        size = None
        for frame_id, frame in enumerate(self.frames):
            size = size or frame.shape[:2]
            if frame.shape[:2] != size:
                raise BadValue(f'{self.frame_name(frame_id)}: {frame.shape[1]}x{frame.shape[0]} '
                               f'pixels, the frames before have {size[1]}x{size[0]}; all frames '
                               'of a video must have one size')
            yield frame
        if size is None:
            raise BadValue(f'{self.where}: there is no frame in it')


def open_source(source: Source, fps: float | None = None) -> FrameSource:
    """Open whatever holds frames.

    Args:
        source: a video file or stream URL, a folder of pictures (in the order of the numbers
            in their names), a camera index (where no file has that name); a picture (file,
            uint8 (h, w, 3) BGR array, PIL picture); an array (T, h, w, 3), or a list or
            generator of pictures.
        fps: frames a second; by default the file's, or 10.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: no frame in it.
        TypeError: nothing of the above.
    """
    if _is_camera(source):
        return _video(int(source), f'camera{source}', fps)
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fspath(source), fps)
    if isinstance(source, Image.Image) or isinstance(source, np.ndarray) and source.ndim == 3:
        frame = as_frame(source)
        return FrameSource('picture', iter([frame]), 1, fps or 10, 'picture', is_picture=True)
    if not isinstance(source, Iterable) or isinstance(source, (bytes, dict, set)):
        raise BadType(f'video: expected a path, a camera index, {_WANTED}, or several of them, '
                      f'got {_described(source)}')
    count = len(source) if isinstance(source, (Sequence, np.ndarray)) else 0
    return FrameSource('frames', _frames_of(source), count, fps or 10)


def _is_camera(source: Source) -> TypeGuard[int | str]:
    """An index, and no file or folder of that name."""
    return type(source) is int or (isinstance(source, str) and source.isascii()
                                   and source.isdigit() and not os.path.exists(source))


def is_running(source: Source) -> bool:
    """Whether it is a camera or a stream, whose frames do not wait."""
    return _is_camera(source) or isinstance(source, str) and '://' in source


def _open_path(path: str, fps: float | None) -> FrameSource:
    if '://' in path:
        return _video(path, 'stream', fps)
    if not os.path.exists(path):
        raise MissingFile(f'{path}: no such video file or folder of frames')
    absolute = pathlib.Path(path).absolute()
    if os.path.isdir(path):
        names = list_images(path)
        if not names:
            raise BadValue(f'{path}: no pictures in this folder; expected frames as '
                             f'{", ".join(IMAGE_SUFFIXES)}')
        frames = (read_picture(os.path.join(path, n)) for n in names)
        name = file_name(absolute.resolve().name, 'video')
        return FrameSource(name, frames, len(names), fps or 10, str(absolute), names=names)
    name = file_name(absolute.stem, 'video')
    if is_picture_name(path):
        frames = (read_picture(path) for _ in range(1))
        return FrameSource(name, frames, 1, fps or 10, str(absolute), is_picture=True)
    return _video(path, name, fps)


def _video(source: str | int, name: str, fps: float | None) -> FrameSource:
    video, frames = open_video(source)
    # another rate was asked for: the frames follow each other at that
    times = [] if fps else video.times
    where = os.path.abspath(video.where) if os.path.exists(video.where) else video.where
    return FrameSource(name, frames, video.length, fps or video.fps or 10, where, times=times,
                       damage=video.damage)


def _frames_of(pictures: Iterable[Picture]) -> Iterator[np.ndarray]:
    for place, picture in enumerate(pictures):
        yield as_frame(picture, f'frame {place}')


def as_frame(picture: Picture, name: str = 'frame') -> np.ndarray:
    """A picture as uint8 (h, w, 3) BGR: read from its file, or turned upright from PIL.

    Raises:
        TypeError: it is none; its ``name`` says which.
        FileNotFoundError, ValueError: its file.
    """
    if isinstance(picture, (str, os.PathLike)):
        return read_picture(picture)
    if isinstance(picture, Image.Image):
        upright = ImageOps.exif_transpose(picture).convert('RGB')
        return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])
    is_frame = isinstance(picture, np.ndarray) and picture.dtype == np.uint8
    if not is_frame or picture.shape[2:] != (3, ) or 0 in picture.shape:
        raise BadType(f'{name}: expected {_WANTED}, got {_described(picture)}')
    return picture


def _described(value: Any) -> str:
    shape, dtype = getattr(value, 'shape', None), getattr(value, 'dtype', None)
    kind = type(value).__name__
    return kind if shape is None or dtype is None else f'{kind}: {dtype} {tuple(shape)}'


def is_picture_name(path: str | os.PathLike) -> bool:
    """Whether a name ends like that of a picture."""
    return os.fspath(path).lower().endswith(IMAGE_SUFFIXES)


def videos_under(path: str) -> list[str]:
    """The videos that a path stands for: itself, or all in a folder of folders.

    A folder with pictures is a video, and so is a file that is named like one. The order is
    that of the numbers in the names.

    Raises:
        ValueError: a folder holds neither.
    """
    if not os.path.isdir(path) or list_images(path):
        return [path]
    found = []
    for folder, folders, files in os.walk(path):
        folders.sort(key=natural_key)
        if any(map(is_picture_name, files)):
            found.append(folder)
            folders.clear()  # of masks and the like, beside its frames
        found += [os.path.join(folder, name) for name in files
                  if name.lower().endswith(VIDEO_SUFFIXES)]
    if not found:
        raise BadValue(f'{path}: no pictures and no videos in this folder or those in it; '
                       f'expected {", ".join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}')
    return sorted(found, key=natural_key)
