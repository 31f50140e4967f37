"""Pixels of run-length encoded masks, inside their boxes alone."""
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from mmdet.formats.rle import BadMask, Runs, check_runs, decode_counts, rle_counts


class MaskCrop(NamedTuple):
    """The part of a mask that holds all its pixels.

    Attributes:
        x, y: of its corner in the mask.
        pixels: uint8 (h, w) of 0 and 1; (0, 0) of an empty mask.
    """
    x: int
    y: int
    pixels: np.ndarray


def mask_crops(rles: Sequence[dict], size: tuple[int, int]) -> list[MaskCrop]:
    """Decode the masks of a frame; a frame of 1280x720 has a million pixels, an object far fewer.

    Args:
        rles: compressed run-length codes.
        size: (height, width) in pixels that all of them have.

    Raises:
        BadMask: one of them is damaged, or of another size.
    """
    if not rles:
        return []
    counts = []
    for index, rle in enumerate(rles):
        try:
            counts.append(rle_counts(rle, size))
        except ValueError as error:
            raise BadMask(index, f'mask {index} of the frame: {error}') from None
    runs = decode_counts(counts)
    check_runs(runs, size)
    return [_crop(starts, ends, size[0]) for starts, ends in _foreground(runs)]


def _foreground(runs: Runs) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """First pixels of the runs of each mask, and those behind their last, column-major."""
    for lead, first, stop in zip(runs.lead, runs.first, runs.first[1:]):
        bounds = lead + np.cumsum(np.insert(runs.rows[first:stop].ravel(), 0, 0))
        yield bounds[:-1:2], bounds[1::2]


def _crop(starts: np.ndarray, ends: np.ndarray, height: int) -> MaskCrop:
    if not len(starts):
        return MaskCrop(0, 0, np.zeros((0, 0), np.uint8))
    (columns, tops), (last_columns, bottoms) = (np.divmod(at, height) for at in (starts, ends - 1))
    x, width = int(columns[0]), int(last_columns[-1] - columns[0]) + 1
    y, tall = 0, height
    if (columns == last_columns).all():  # else a run goes on from the bottom to the top
        y = int(tops.min())
        tall = int(bottoms.max()) - y + 1
    bounds = np.empty(2 * len(starts) + 2, np.int64)
    bounds[0], bounds[-1] = 0, width * tall
    bounds[1:-1:2] = (columns - x) * tall + tops - y
    bounds[2:-1:2] = (last_columns - x) * tall + bottoms - y + 1
    values = np.zeros(len(bounds) - 1, np.uint8)
    values[1::2] = 1
    pixels = np.repeat(values, np.diff(bounds)).reshape(width, tall)
    return MaskCrop(x, y, cv2.transpose(pixels))
