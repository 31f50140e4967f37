"""What people draw: rectangles, ellipses, polygons, runs of pixels; and what lies between two."""
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.entries import Id
from mmdet.formats.exchange.format import one_of
from mmdet.formats.exchange.tracks import Box, Video
from mmdet.formats.rle import BadMask, short
from mmdet.formats.segmentations import to_rles
from mmdet.utils.errors import BadValue

TURNED = 'boxes that are turned, of which the upright box around them is kept'
OTHER_PIXELS = 'masks whose polygons cover other pixels, such as holes'
FILLED_IN = 5 * 10**6  # boxes between keyframes in a file; more would fill the memory
Points = Sequence[tuple[float, float]]


class Rectangles:
    """What a drawn rectangle becomes.

    Args:
        kind: ``boxes``, or ``masks`` of what they cover.
        lost: counts what a box cannot say.

    Raises:
        ValueError: there is no such kind.
    """

    def __init__(self, kind: str, lost: Counter[str]) -> None:
        self.kind = one_of('rectangles', kind, ('boxes', 'masks'))
        self.lost = lost

    def __call__(self, box: Box, degrees: float = 0., about_corner: bool = False
                 ) -> dict[str, Any]:
        """``box`` or ``segm`` for :meth:`VideoBuilder.add`; turned as :func:`corners` has it."""
        if self.kind == 'boxes' and not degrees and box[2] >= 0 and box[3] >= 0:
            return dict(box=box)
        return self.of_corners(corners(box, degrees, about_corner))

    def of_corners(self, corners: Points) -> dict[str, Any]:
        """The same of four corners in order."""
        if self.kind == 'masks':
            return dict(segm=[[value for point in corners for value in point]])
        sides = [(corners[i - 1][0] - x, corners[i - 1][1] - y) for i, (x, y) in
                 enumerate(corners)]
        self.lost[TURNED] += any(min(abs(dx), abs(dy)) > 1e-3 for dx, dy in sides)
        (left, top), (right, bottom) = (tuple(f(p[i] for p in corners) for i in (0, 1))
                                        for f in (min, max))
        return dict(box=(left, top, right - left, bottom - top))


def numbers(values: Sequence[Any], where: str) -> list[float]:
    """Finite numbers, of which some tools write texts.

    Raises:
        ValueError: one is none.
    """
    found = []
    for value in values:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not -1e308 < number < 1e308:
            raise BadValue(f'{where}: expected a number, got {short(value)}')
        found.append(number)
    return found


def corners(box: Box, degrees: float = 0., about_corner: bool = False
            ) -> list[tuple[float, float]]:
    """The four corners of a rectangle turned clockwise about its centre, or its first corner."""
    x, y, w, h = box
    cx, cy = (x, y) if about_corner else (x + w / 2, y + h / 2)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    upright = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    if not degrees % 360:
        return upright
    return [(cx + (px - cx) * cos - (py - cy) * sin, cy + (px - cx) * sin + (py - cy) * cos)
            for px, py in upright]


def ellipse(centre: tuple[float, float], radii: tuple[float, float], degrees: float,
            size: tuple[int, int]) -> np.ndarray:
    """The pixels whose centres lie in an ellipse turned clockwise.

    Returns:
        bool (h, w).
    """
    reach = max(radii)
    rows, columns = (slice(*np.clip([math.floor(c - reach), math.ceil(c + reach)], 0, side))
                     for c, side in ((centre[1], size[0]), (centre[0], size[1])))
    mask = np.zeros(size, bool)
    if min(radii) <= 0:
        return mask
    y, x = np.ogrid[rows, columns]
    dx, dy = x + .5 - centre[0], y + .5 - centre[1]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    mask[rows, columns] = (((dx * cos + dy * sin) / radii[0])**2
                           + ((dy * cos - dx * sin) / radii[1])**2) <= 1
    return mask


def between(first: np.ndarray, last: np.ndarray, fraction: float) -> np.ndarray:
    """Numbers on the way from one shape to another; the last one is an angle in degrees.

    Angles take the shorter way, as CVAT and Label Studio have it.
    """
    step = last - first
    step[-1] = (step[-1] + 180) % 360 - 180
    return first + fraction * step


def draw_runs(counts: Sequence[int] | np.ndarray, box: tuple[int, int, int, int],
              size: tuple[int, int], where: str) -> np.ndarray:
    """A mask from run lengths row by row within a box, the first one of background.

    Args:
        counts: run lengths.
        box: left, top, width, height in whole pixels.
        size: (height, width) of the frame.
        where: for messages.

    Returns:
        bool (h, w).

    Raises:
        ValueError: the box leaves the frame, or the runs do not fill it.
    """
    left, top, width, height = box
    inside = 0 <= left <= left + width <= size[1] and 0 <= top <= top + height <= size[0]
    if not (inside and width > 0 and height > 0):
        raise BadValue(f'{where}: a mask of {width} x {height} pixels at {left}, {top} is not '
                       f'within the frame of {size[1]} x {size[0]}')
    runs = np.asarray(counts, np.int64)
    if (runs < 0).any() or (runs > width * height).any() or runs.sum() != width * height:
        raise BadValue(f'{where}: the runs of a mask of {width} x {height} pixels must sum to '
                       f'{width * height}')
    mask = np.zeros(size, bool)
    mask[top:top + height, left:left + width] = np.repeat(
        np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return mask


def runs(mask: np.ndarray) -> list[int]:
    """Run lengths of a mask row by row, the first one of background, maybe 0."""
    flat = np.concatenate([[False], mask.ravel() != 0])
    ends = np.flatnonzero(np.diff(flat))
    return np.diff(np.concatenate([[0], ends, [mask.size]])).tolist()


def cropped(mask: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The part of a mask (h, w) that is not empty, and its left and top."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    return mask[top:rows[-1] + 1, left:columns[-1] + 1], left, top


def outlines(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """Polygons along the edges of the pixels of a mask; holes are not told.

    Args:
        mask: uint8 (h, w) of 0 and 1.

    Returns:
        the corners (x, y) of each part, pixel i reaching from i to i + 1.
    """
    # Twice as large, the contour of a part is on other pixels than that of the next.
    large = np.kron(mask, np.ones((2, 2), np.uint8))
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygons = [(contour[:, 0] + 1) // 2 for contour in found]
    return [[(int(x), int(y)) for x, y in points[(points != np.roll(points, 1, 0)).any(1)]]
            for points in polygons]


def same_when_drawn(polygons: Sequence[Points], mask: np.ndarray) -> bool:
    """Whether polygons cover just the pixels of a mask."""
    flat = [[float(value) for point in polygon for value in point] for polygon in polygons]
    try:
        (rle, ), _ = to_rles([flat], (mask.shape[0], mask.shape[1]))
    except BadMask:
        return False
    return rle is not None and np.array_equal(mask_utils.decode(rle), mask)


def number_tracks(video: Video, wanted: dict[Id, Id]) -> None:
    """Give tracks their number where no two share it, and the score that all frames have.

    Args:
        video: its tracks have their keys as ids.
        wanted: number by key.
    """
    shared = Counter(wanted[track.id] for track in video.tracks)
    for track in video.tracks:
        track.share_score()
        if shared[wanted[track.id]] == 1:
            track.id = wanted[track.id]
