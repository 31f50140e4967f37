"""Objects through videos, in memory: what the files of every tool are read into and written from.

A reader gives one :class:`Video` after the other; no more than one has to be in memory.
"""
import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.annotation_checks import MAX_FRAMES
from mmdet.formats.entries import Id
from mmdet.formats.rle import MAX_PIXELS, BadMask
from mmdet.formats.segmentations import to_rles
from mmdet.utils.errors import BadValue

EMPTY = 'masks without a pixel'
Box = tuple[float, float, float, float]  # x, y, width, height in pixels


@dataclass
class Mark:
    """An object in one frame; it has a mask, a box, or both.

    Attributes:
        rle: compressed mask of the size of the video.
        box: as a file states it; None where it is that of the mask.
        score: confidence.
        occlusion: hidden by something: 0 not, 1 partly, 2 severely; None: nobody said.
    """
    rle: dict | None = None
    box: Box | None = None
    score: float | None = None
    occlusion: int | None = None

    def bbox(self) -> Box:
        """The stated box, else that of the mask."""
        return self.box or self.mask_box()

    def mask_box(self) -> Box:
        """The smallest box around the mask."""
        x, y, width, height = mask_utils.toBbox(self.rle).tolist()
        return x, y, width, height

    def box_says_more(self, pixels: float = 1.) -> bool:
        """Whether a side of the stated box is further than that from the mask's."""
        if self.box is None or self.rle is None:
            return self.rle is None
        x, y, w, h = self.box
        sides = zip((x, y, x + w, y + h), _corners(self.mask_box()))
        return any(abs(one - other) > pixels for one, other in sides)


def _corners(box: Box) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return x, y, x + width, y + height


@dataclass
class Track:
    """An object through a video.

    Attributes:
        id: different from those of the other tracks of the video.
        category: name of its class.
        marks: by 0-based frame, in order; it is not seen in the others.
        score: confidence in all of it.
        iscrowd: a region that counts neither as found nor as missed.
    """
    id: Id
    category: str
    marks: dict[int, Mark] = field(default_factory=dict)
    score: float | None = None
    iscrowd: bool = False

    def scored(self, mark: Mark) -> float | None:
        """The score of a mark: its own, else that of the track."""
        return self.score if mark.score is None else mark.score

    def mean_score(self) -> float | None:
        """The track's score, else the mean of its marks'; None without any."""
        scores = [mark.score for mark in self.marks.values() if mark.score is not None]
        return self.score if self.score is not None or not scores else float(np.mean(scores))

    def share_score(self) -> None:
        """Take one score in all frames as that of the track."""
        scores = {mark.score for mark in self.marks.values()}
        if len(scores) == 1 and scores != {None}:
            self.score = scores.pop()
            for mark in self.marks.values():
                mark.score = None


@dataclass
class Video:
    """A video and its objects.

    Attributes:
        name: for people and folders; any text, never a path to be used as it is.
        file_names: of all its frames, relative to one folder for all videos.
        width, height: of the frames in pixels.
        id: where the file gives one.
    """
    name: str
    file_names: list[str]
    width: int
    height: int
    tracks: list[Track] = field(default_factory=list)
    id: Id | None = None

    def __len__(self) -> int:
        return len(self.file_names)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    def by_frame(self) -> Iterator[list[tuple[Track, Mark]]]:
        """What is seen in each frame, in the order of the tracks."""
        seen: list[list[tuple[Track, Mark]]] = [[] for _ in self.file_names]
        for track in self.tracks:
            for frame, mark in track.marks.items():
                seen[frame].append((track, mark))
        yield from seen


@dataclass
class Category:
    """A class: its name, and what json files say besides."""
    name: str
    id: Id | None = None
    supercategory: str | None = None


@dataclass
class Contents:
    """What a file or folder holds.

    Attributes:
        categories: in order, also those without objects; empty where no list is kept.
        videos: can be gone through once.
    """
    categories: list[Category]
    videos: Iterator[Video]


class VideoBuilder:
    """Puts a video together from what is seen in each frame.

    Args:
        name: see :class:`Video`.
        file_names: of all its frames.
        width, height: of the frames in pixels.
        lost: counts masks without a pixel, which are not added.
        id: where the file gives one.

    Raises:
        ValueError: no mask can be that large, or no video that long.
    """

    def __init__(self, name: str, file_names: Sequence[str], width: int, height: int,
                 *, lost: Counter[str], id: Id | None = None) -> None:
        if width < 1 or height < 1 or width * height > MAX_PIXELS:
            raise BadValue(f'{name}: frames of {width} x {height} pixels; expected 1 to '
                           f'{MAX_PIXELS}')
        if len(file_names) > MAX_FRAMES:
            raise BadValue(f'{name}: {len(file_names)} frames are more than {MAX_FRAMES}')
        self.video = Video(name, list(file_names), width, height, id=id)
        self._lost = lost
        self._tracks: dict[Hashable, Track] = {}
        self._first: dict[Hashable, int] = {}

    def add(self, frame: int, key: Id, category: str, segm: Any = None, *,
            box: Box | None = None, score: float | None = None, occlusion: Any = None,
            iscrowd: bool = False) -> None:
        """Add what is seen of an object in a frame; the masks of several parts are joined.

        Args:
            frame: 0-based.
            key: tells the objects of the video apart; becomes the id of the track.
            category: name of the class, the same in every frame.
            segm: polygons, RLE of either kind, or bool (h, w); an empty mask is not added.
            box, score: see :class:`Mark`.
            occlusion: as a file has it, also 1.0; what is not 0, 1 or 2 is taken as None.
            iscrowd: see :class:`Track`; what the first mark says counts.

        Raises:
            ValueError: the mask is unusable, or the class changes.
        """
        where = f'{self.video.file_names[frame]}, object {key}'
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track(key, category, iscrowd=bool(iscrowd))
            self._first[key] = frame
            self.video.tracks.append(track)
        if track.category != category:
            raise BadValue(f'{where} is of class "{category}", in '
                           f'{self.video.file_names[self._first[key]]} it was '
                           f'"{track.category}"; an object keeps its class')
        rle = None if segm is None else checked_rle(segm, self.video.size, where)
        if rle is None and (segm is not None or box is None):
            self._lost[EMPTY] += 1
            return
        before = track.marks.get(frame)
        if before is not None:
            if before.rle is None or rle is None:
                raise BadValue(f'{where} is there twice, as a box; give each object an id of its '
                               'own')
            rle, box = mask_utils.merge([before.rle, rle]), None
        level = int(occlusion) if occlusion in (0, 1, 2) else None
        track.marks[frame] = Mark(rle, box, score, level)

    def done(self) -> Video:
        """The video, the marks of each track in the order of the frames."""
        for track in self.video.tracks:
            track.marks = dict(sorted(track.marks.items()))
        return self.video


def checked_rle(segm: Any, size: tuple[int, int], where: str) -> dict | None:
    """A mask as a file or an array has it, as compressed RLE; None if it is empty.

    Args:
        segm: polygons, RLE of either kind, or bool (h, w).
        size: (height, width) of the video.
        where: for messages.

    Raises:
        ValueError: it is unusable.
    """
    if isinstance(segm, np.ndarray):
        if segm.shape != size:
            raise BadValue(f'{where}: the mask is {segm.shape[1]} x {segm.shape[0]} pixels, the '
                           f'frame {size[1]} x {size[0]}')
        return mask_utils.encode(np.asfortranarray(segm, np.uint8)) if segm.any() else None
    try:
        rles, areas = to_rles([segm], size)
    except BadMask as error:
        raise BadValue(f'{where}: {error}') from None
    return rles[0] if areas[0] else None


def box_rle(box: Box, size: tuple[int, int]) -> dict | None:
    """The pixels whose centres lie in a box as a mask; None where none does."""
    x1, y1, x2, y2 = _corners(box)
    mask = np.zeros(size, np.uint8, 'F')
    columns, rows = (slice(*(math.ceil(min(max(end, 0.), side) - .5) for end in ends))
                     for *ends, side in ((x1, x2, size[1]), (y1, y2, size[0])))
    mask[rows, columns] = 1
    return mask_utils.encode(mask) if mask.any() else None
