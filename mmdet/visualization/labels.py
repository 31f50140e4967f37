"""Where labels go, and how they are written, so that they can be read."""
import functools
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from mmdet.visualization.palette import text_color

Rect = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels, end exclusive
FONT = cv2.FONT_HERSHEY_SIMPLEX


def text_scale(height: int, width: int) -> float:
    """Font scale for a picture of this size in pixels; about 2.5 % of it."""
    return float(np.clip(min(height, width) / 1000, 0.38, 2.0))


def text_size(text: str, scale: float) -> tuple[int, int]:
    """(width, height) in pixels of the filled label around ``text``."""
    width, height, base = _extent(text, scale)
    return width + 6, height + base + 4


@functools.lru_cache(1024)
def _extent(text: str, scale: float) -> tuple[int, int, int]:
    """(width, height, base line) in pixels, which OpenCV takes as long for as for writing it."""
    (width, height), base = cv2.getTextSize(text, FONT, scale, _thickness(scale))
    return width, height, base


def _thickness(scale: float) -> int:
    return max(1, round(1.6 * scale))


def _overlap(a: Rect, b: Rect) -> int:
    """Common area of two rectangles, square pixels."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height)


def _candidates(box: Sequence[float], size: tuple[int, int]) -> Iterable[tuple[float, float]]:
    """Corners (x, y) for a label of ``size`` beside ``box``, best first."""
    width, height = size
    x1, y1, x2, y2 = box[:4]
    near = (y1 - height, y1, y2 - height, y2 + 1, (y1 + y2 - height) / 2)
    far = [y for step in (1, 2, 3) for y in (y1 - (step + 1) * height, y2 + 1 + step * height)]
    for y in (*near, *far):
        for x in (x1, x2 + 1 - width, (x1 + x2 - width) / 2):
            yield x, y


def place_label(box: Sequence[float], size: tuple[int, int], taken: list[Rect],
                shape: tuple[int, int]) -> Rect:
    """Choose a place for a label: in the picture, clear of other labels.

    Above the box first, then inside its top, its bottom, below it, at its
    middle, rows further off; of crowded places the one that covers least of ``taken`` wins.

    Args:
        box: (x1, y1, x2, y2) in pixels.
        size: (width, height) of the label in pixels.
        taken: places of the labels already there.
        shape: (height, width) of the picture.
    """
    best, least = None, None
    for x, y in _candidates(box, size):
        x = int(np.clip(x, 0, max(0, shape[1] - size[0])))
        y = int(np.clip(y, 0, max(0, shape[0] - size[1])))
        place = (x, y, x + size[0], y + size[1])
        covered = sum(_overlap(place, other) for other in taken)
        if least is None or covered < least:
            best, least = place, covered
        if covered == 0:
            break
    return best


def write_label(canvas: np.ndarray, text: str, place: Rect, scale: float,
                color: tuple[int, int, int]) -> None:
    """Fill ``place`` with ``color`` and write ``text`` on it, in the array itself."""
    x1, y1, x2, y2 = place
    cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), color, -1)
    *_, base = _extent(text, scale)
    cv2.putText(canvas, text, (x1 + 3, y2 - base - 1), FONT, scale,
                text_color(color), _thickness(scale), cv2.LINE_AA)


def write_caption(canvas: np.ndarray, text: str) -> None:
    """Write a line into the upper left corner, in the array itself."""
    scale = text_scale(*canvas.shape[:2])
    width, height = text_size(text, scale)
    write_label(canvas, text, (0, 0, width, height), scale, (0, 0, 0))
