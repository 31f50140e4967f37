"""What the tracker saw: every detection of a data set, also of those that got no id.

A file is the line ``MAGIC``, a line of json about the data set (see :class:`DetectionWriter`) and
a block per video, in the order they were tested:

========  ====================================================================================
8 bytes   length of what comes after the checksum, little-endian
4 bytes   its CRC-32
a line    json: ``video`` (id), ``size`` ([height, width]), ``counts`` (detections per frame),
          ``probs`` (K), ``embeddings`` (E), ``masks`` (whether there are any), ``bits`` ([h, w]
          or null)
arrays    little-endian, detection by detection: ``boxes`` float32 (D, 4), ``scores`` float32
          (D,), ``labels`` int32 (D,), ``probs`` float32 (D, K), ``embeddings`` float32 (D, E),
          ``bits`` uint8 (D, B), packed, if there are any; with masks the length of each, int32
          (D,), and their run lengths
========  ====================================================================================

A detection takes 4 E + 4 K + 28 bytes and its mask: some 4.5 kB with the 1024 numbers and 41
classes of the published model. Where a run stopped, whole blocks are read and the rest is not.
Version 1 has no ``bits``; it is read as before.
"""
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from mmdet.formats.entries import Id
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import atomic_write, told

MAGICS = {b'mmdet detections 1\n': 1, b'mmdet detections 2\n': 2}
MAGIC = next(reversed(MAGICS))
LONGEST_LINE = 2**26  # bytes of json
FLOAT, INT = np.dtype('<f4'), np.dtype('<i4')
BITS, LENGTHS = 'bits', 'lengths'  # of the masks


@dataclass(frozen=True)
class FrameDetections:
    """The n detections of a frame, before they get ids.

    Attributes:
        boxes: (n, 4) float32 x1, y1, x2, y2 in original pixels, inclusive.
        scores: (n,) float32.
        labels: (n,) int64, 0-based.
        probs: (n, K) float32 probability of every class, background first.
        embeddings: (n, E) float32.
        masks: n compressed run-length codes of the original frame size; empty where a detector
            finds boxes only.
        bits: (n, h, w) bool, the masks stretched over their boxes, as cues of tracking read them;
            None where there are none.
    """
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    probs: np.ndarray
    embeddings: np.ndarray
    masks: Sequence[dict]
    bits: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def with_ids(self, ids: np.ndarray) -> TrackResult:
        """The detections that have an id of (n,) int64; -1: none."""
        rows = np.flatnonzero(ids >= 0)
        masks = [self.masks[row] for row in rows.tolist()] if self.masks else []
        return TrackResult(self.boxes[rows], self.scores[rows], self.labels[rows], ids[rows], masks)


class DetectionWriter:
    """Writes a file video by video; what was added is on the disk when ``add`` returns.

    Args:
        path: of the file; one that is there is overwritten.
        header: ``classes`` (names in label order), ``videos`` (how many there will be), and
            what else a reader may want to know.

    Raises:
        CannotWrite: the disk is full or read-only.
    """

    def __init__(self, path: str | os.PathLike, header: dict[str, Any]) -> None:
        self._path = path
        with told(path):
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
            self._file = open(path, 'wb')
            self._file.write(MAGIC + _line(header))

    def add(self, video: Id, size: tuple[int, int], frames: Sequence[FrameDetections]) -> None:
        """Add all frames of a video; ``size`` is its (height, width) in pixels."""
        payload = _pack(video, size, frames)
        with told(self._path):
            self._file.write(_prefix(payload) + payload)
            self._file.flush()

    def close(self) -> None:
        """Nothing can be added any more."""
        with told(self._path):
            os.fsync(self._file.fileno())
            self._file.close()


def _line(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False).encode() + b'\n'


def _prefix(payload: bytes) -> bytes:
    return len(payload).to_bytes(8, 'little') + zlib.crc32(payload).to_bytes(4, 'little')


def _pack(video: Id, size: tuple[int, int], frames: Sequence[FrameDetections]) -> bytes:
    """The content of a block."""
    masks = [_counts(rle) for frame in frames for rle in frame.masks]
    about = dict(video=video, size=list(size), counts=[len(frame) for frame in frames],
                 probs=max((frame.probs.shape[1] for frame in frames), default=0),
                 embeddings=max((frame.embeddings.shape[1] for frame in frames), default=0),
                 masks=bool(masks), bits=_bits_shape(frames))
    table = {name: np.concatenate([np.zeros((0, *shape), kind),
                                   *(getattr(frame, name) for frame in frames)]).astype(kind)
             for name, (shape, kind) in _columns(about).items() if name not in (BITS, LENGTHS)}
    if about['bits']:
        table[BITS] = np.concatenate([np.packbits(frame.bits.reshape(len(frame), -1), axis=1)
                                      for frame in frames if len(frame) and frame.bits is not None])
    if masks:
        table[LENGTHS] = np.array([len(mask) for mask in masks], INT)
    return b''.join([_line(about), *(array.tobytes() for array in table.values()), *masks])


def _bits_shape(frames: Sequence[FrameDetections]) -> list[int] | None:
    return next((list(frame.bits.shape[1:]) for frame in frames
                 if len(frame) and frame.bits is not None), None)


def _columns(about: dict[str, Any]) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape per detection and type of the arrays of a block."""
    columns: dict[str, tuple[tuple[int, ...], np.dtype]] = dict(
        boxes=((4,), FLOAT), scores=((), FLOAT), labels=((), INT),
        probs=((about['probs'],), FLOAT), embeddings=((about['embeddings'],), FLOAT))
    if about.get('bits'):
        columns[BITS] = ((-(-_size(about['bits']) // 8),), np.dtype('u1'))
    if about['masks']:
        columns[LENGTHS] = ((), INT)
    return columns


def _size(shape: Sequence[int]) -> int:
    h, w = map(int, shape)
    if h < 1 or w < 1:
        raise ValueError('no shape of a mask')
    return h * w


def _counts(rle: dict) -> bytes:
    counts = rle['counts']
    return counts.encode() if isinstance(counts, str) else counts


class VideoDetections(NamedTuple):
    """All detections of a video."""
    size: tuple[int, int]  # height and width, pixels
    frames: list[FrameDetections]


class Block(NamedTuple):
    """Where the content of a video lies in the file."""
    start: int
    length: int
    checksum: int


class DetectionFile:
    """Reads such a file; only ids and places are looked at until a video is asked for.

    Args:
        path: of the file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is something else, of another version, or damaged.

    Attributes:
        header: see :class:`DetectionWriter`.
        blocks: by video id, in the order of the file.
        cut: whether a part of a block was left out at the end.
        version: 1 or 2, of the format.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = os.fspath(path)
        if not os.path.isfile(self.path):
            raise MissingFile(f'{self.path}: no such file; write one with tools/test_video.py '
                              'CONFIG CHECKPOINT --out X.pkl --save-detections FILE')
        with open(self.path, 'rb') as file:
            version = MAGICS.get(file.readline(len(MAGIC)))
            if version is None:
                raise BadValue(f'{self.path}: does not start with "{MAGIC.decode().strip()}"; '
                               'expected what test_video.py --save-detections writes')
            self.version = version
            self.header = self._checked_header(self._json(file))
            self.blocks: dict[Id, Block] = {}
            self.cut = not self._find_blocks(file)

    def _json(self, file: BinaryIO) -> dict[str, Any]:
        try:
            content = json.loads(file.readline(LONGEST_LINE))
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise self._damaged()
        return content

    def _damaged(self, what: str = '') -> BadValue:
        return BadValue(f'{self.path}: {what}is damaged; run the test again')

    def _checked_header(self, header: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(header.get('classes'), list) or type(header.get('videos')) is not int:
            raise self._damaged()
        return header

    def _find_blocks(self, file: BinaryIO) -> bool:
        """Fill ``blocks``; False if the last one is not whole."""
        end = os.path.getsize(self.path)
        while (start := file.tell() + 12) <= end:
            block = Block(start, *(int.from_bytes(file.read(n), 'little') for n in (8, 4)))
            if start + block.length > end:
                return False
            video = self._json(file).get('video')
            if not isinstance(video, (int, float, str)) or video in self.blocks:
                raise self._damaged(f'the block after video {next(reversed(self.blocks), None)} ')
            self.blocks[video] = block
            file.seek(start + block.length)
        return file.tell() == end

    def payload(self, video: Id) -> bytes:
        """The content of the block of a video; see :meth:`read`."""
        block = self.blocks[video]
        with open(self.path, 'rb') as file:
            file.seek(block.start)
            payload = file.read(block.length)
        if zlib.crc32(payload) != block.checksum:
            raise self._damaged(f'video {video} ')
        return payload

    @property
    def complete(self) -> bool:
        """Whether all videos of the data set are there."""
        return len(self.blocks) == self.header['videos']

    def read(self, video: Id) -> VideoDetections:
        """What is there of a video.

        Raises:
            KeyError: it is not in the file.
            ValueError: its block is damaged.
        """
        payload = self.payload(video)
        try:
            return _unpack(payload)
        except (ValueError, TypeError, KeyError, OverflowError):
            raise self._damaged(f'video {video} ') from None


def _unpack(payload: bytes) -> VideoDetections:
    """What a block holds; a ValueError, TypeError, KeyError where it is none."""
    start = payload.index(b'\n') + 1
    about = json.loads(payload[:start])
    parts = np.concatenate([[0], np.cumsum(np.array(about['counts'], np.int64))]).tolist()
    total, table = parts[-1], {}
    for name, (shape, kind) in _columns(about).items():
        number = total * int(np.prod(shape, dtype=np.int64))
        table[name] = np.frombuffer(payload, kind, number, start).reshape(total, *shape)
        start += number * kind.itemsize
    table['labels'] = table['labels'].astype(np.int64)
    if BITS in table:
        h, w = about['bits']
        table[BITS] = np.unpackbits(table[BITS], axis=1, count=h * w).reshape(-1, h, w).view(bool)
    lengths = table.pop(LENGTHS, np.zeros(0, INT))
    ends = start + np.concatenate([[0], lengths.cumsum(dtype=np.int64)])
    if ends[-1] != len(payload) or (lengths < 0).any() or parts != sorted(parts):
        raise ValueError('the lengths do not add up')
    height, width = map(int, about['size'])
    masks = [dict(size=[height, width], counts=payload[a:b])
             for a, b in zip(ends[:-1].tolist(), ends[1:].tolist())]
    return VideoDetections((height, width), [
        FrameDetections(**{name: values[a:b] for name, values in table.items()}, masks=masks[a:b])
        for a, b in zip(parts[:-1], parts[1:])])


def join_files(parts: Sequence[str | os.PathLike], path: str | os.PathLike,
               order: Sequence[Id]) -> None:
    """Make one file of several of one data set.

    Args:
        parts: the files.
        path: of the whole.
        order: of the videos; those that no part has are left out.
    """
    files = [DetectionFile(part) for part in parts]
    place = {video: file for file in files for video in file.blocks}
    with atomic_write(path) as whole:
        whole.write(MAGIC + _line(files[0].header))
        for video in filter(place.__contains__, order):
            payload = place[video].payload(video)
            whole.write(_prefix(payload) + payload)
