"""Writing a video that opens again, or a strip of its frames."""
import contextlib
import logging
import os
import pathlib
from collections.abc import Iterator

import cv2
import numpy as np

from mmdet.formats.pictures import name_for_opencv, write_picture
from mmdet.utils.errors import BadValue, CannotWrite
from mmdet.utils.fileio import open_partial, publish, told
from mmdet.visualization.encoders import CODECS, count_frames, working_encoder
from mmdet.visualization.strip import Sampler, contact_strip


class VideoWriter:
    """An mp4 written frame by frame, checked when it is closed.

    The file is written under a temporary name and renamed once it was opened
    again and has every frame. Where no encoder works, a PNG strip of the
    frames takes its place and the log says so. Use as a context manager; when
    the block raises, nothing is left. The pictures are in BT.709 colours, and a
    player can start before it has the whole file.

    Attributes:
        written: the ``.mp4`` or ``.png``, once closed; None without frames.

    Args:
        path: ends with ``.mp4``; its folder is made.
        fps: frames a second.
        logger: for the one line about a strip.
        strip_frames: how many frames the strip shows.
        codec: ``h264``, ``vp9`` or ``mpeg4``; None: the first of them that works here.

    Raises:
        BadValue: a frame of another size, or a name that OpenCV cannot open.
        CannotWrite: the disk is full or read-only.
    """

    def __init__(self, path: str | os.PathLike, fps: float = 10,
                 logger: logging.Logger | None = None, strip_frames: int = 8,
                 codec: str | None = None) -> None:
        self.path = pathlib.Path(path)
        if self.path.suffix.lower() != '.mp4':
            raise BadValue(f'{path}: expected a name that ends with .mp4; choose one')
        name_for_opencv(self.path)
        self.fps, self.codec = fps, codec
        self.handle, self.partial = None, None
        self.logger = logger or logging.getLogger(__name__)
        self.sampler = Sampler(strip_frames)
        self.encoder, self.size = None, None
        self.closed, self.written = False, None

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, frame: np.ndarray, time: float | None = None) -> None:
        """Add a frame.

        Args:
            frame: uint8 (h, w, 3) BGR; all must have the size of the first.
            time: seconds after the first frame, more than the last one's; by default the
                frames follow each other at the same rate.
        """
        if self.size is None:
            self._start(frame.shape[1], frame.shape[0])
        height, width = frame.shape[:2]
        if (width, height) != self.size:
            raise BadValue(f'{self.path}: frame {self.sampler.seen} is {width}x{height}, '
                           f'the first was {self.size[0]}x{self.size[1]}; resize it')
        self.sampler.add(frame.copy() if self.sampler.keeps_next() else frame)
        if self.encoder is None:
            return
        if height % 2 or width % 2:  # encoders halve the colour planes
            frame = cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        with self._told_of_disk():
            self.encoder.write(frame, time)

    def _start(self, width: int, height: int) -> None:
        self.size = (width, height)
        encoder = working_encoder(self.codec)
        if encoder is None:
            return
        with told(self.path):
            self.handle, self.partial = open_partial(self.path, '.mp4')
        with self._told_of_disk():
            self.encoder = encoder(self.partial, self.fps, (width + width % 2, height + height % 2))

    @contextlib.contextmanager
    def _told_of_disk(self) -> Iterator[None]:
        """What an encoder says of its partial file, said of ours."""
        try:
            yield
        except CannotWrite as error:
            self._check_room()
            reason = str(error).rpartition('(')[2].partition(')')[0]
            raise CannotWrite(f'{self.path}: cannot be written ({reason}); choose another codec '
                              'or place') from None

    def close(self) -> pathlib.Path | None:
        """Finish the file; returns what was written (``.mp4`` or ``.png``), None without frames."""
        if not self.closed:
            self.closed = True
            self.written = self._finish() if self.sampler.seen else None
        return self.written

    def _finish(self) -> pathlib.Path:
        try:
            if self.encoder is not None:
                with self._told_of_disk():
                    self.encoder.close()
                self.encoder = None
                if count_frames(self.partial) == self.sampler.seen:
                    with told(self.path):
                        publish(self.partial, self.path)
                    return self.path
            if self.handle is not None:
                self._check_room()
        finally:
            self.discard()
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
            '%s: there is no working mp4 encoder here (tried %s; pip install av brings them); '
            'wrote a strip of frames, %s, instead', self.path, self.codec or ', '.join(CODECS),
            path)
        return path

    def discard(self) -> None:
        """Leave nothing, unless it was closed before."""
        encoder, self.encoder = self.encoder, None
        if encoder is not None:
            encoder.abandon()
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.partial)
