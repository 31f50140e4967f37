"""Masks as outlines for a browser, without ever drawing them at full size."""
from collections.abc import Sequence

import cv2
import numpy as np

from mmdet.formats.rle import decode_counts

TOLERANCE = 0.6  # cells of the grid by which an outline may be off


def grid_step(height: int, width: int, longest: int = 320) -> int:
    """Every how many pixels a mask is looked at, so that no side is over ``longest`` cells."""
    return max(1, -(-max(height, width) // longest))


def sample_masks(rles: Sequence[dict], step: int) -> np.ndarray:
    """Masks on a coarse grid, straight from their run lengths.

    Args:
        rles: M compressed RLEs of one size, checked.
        step: pixels between the samples; the first is at ``step // 2``.

    Returns:
        uint8 (M, h, w) of 0 and 1: ``decode(rle)[step // 2::step, step // 2::step]``.
    """
    height, width = rles[0]['size']
    counts = [rle['counts'].encode() if isinstance(rle['counts'], str) else rle['counts']
              for rle in rles]
    mask, start, end = _foreground(counts)
    mask, column, start, end = _split_at_columns(mask, start, end, height)
    half, rows = step // 2, -(-(height - step // 2) // step)
    cells = np.zeros((rows + 1, len(rles), -(-(width - half) // step)), np.int8)
    looked_at = np.flatnonzero((column - half) % step == 0)
    at = mask[looked_at], (column[looked_at] - half) // step
    for edge, sign in ((start, 1), (end, -1)):
        below = np.maximum(0, -((half - edge[looked_at]) // step))  # the first sample from it on
        np.add.at(cells, (below, *at), sign)
    np.add.accumulate(cells, axis=0, out=cells)  # row by row: along a column it would be slow
    return cells[:-1].transpose(1, 0, 2).view(np.uint8)


def _foreground(counts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mask, first and end pixel (column by column) of every run of foreground."""
    runs = decode_counts(counts)
    number = np.diff(runs.first)
    mask = np.repeat(np.arange(len(counts)), number)
    total = np.concatenate([[0], np.cumsum(runs.rows.sum(axis=1))])
    before = total[:-1] - np.repeat(total[runs.first[:-1]], number)
    start = np.repeat(runs.lead, number) + before
    return mask, start, start + runs.rows[:, 0]


def _split_at_columns(mask: np.ndarray, start: np.ndarray, end: np.ndarray, height: int
                      ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mask, column, first and end row of every piece of a run within a column."""
    first, last = start // height, np.maximum(end - 1, start) // height
    pieces = last - first + 1
    run = np.repeat(np.arange(len(start)), pieces)
    column = first[run] + np.arange(len(run)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    low = np.maximum(start[run] - column * height, 0)
    high = np.minimum(end[run] - column * height, height)
    return mask[run], column, low, high


def outlines(rles: Sequence[dict | None], step: int) -> list[str]:
    """SVG path data of the masks of a track, in cells of the grid; '' where there is none.

    Holes are outlines too: fill by the even-odd rule.
    """
    there = [t for t, rle in enumerate(rles) if rle is not None]
    paths = [''] * len(rles)
    if there:
        for t, mask in zip(there, sample_masks([rles[t] for t in there], step)):
            paths[t] = outline(mask)
    return paths


def outline(mask: np.ndarray) -> str:
    """SVG path data around the 1s of a uint8 (h, w) mask."""
    if not mask.any():
        return ''
    found, _ = cv2.findContours(np.ascontiguousarray(mask), cv2.RETR_CCOMP,
                                cv2.CHAIN_APPROX_SIMPLE)
    return ''.join(_path(cv2.approxPolyDP(points, TOLERANCE, True)[:, 0]) for points in found)


def _path(points: np.ndarray) -> str:
    """One closed line, relative to its first point."""
    (x, y), steps = points[0].tolist(), np.diff(points, axis=0).tolist()
    if not steps:  # a single cell would have no area
        steps = [[1, 0], [0, 1], [-1, 0]]
    return f'M{x} {y}l' + ' '.join(f'{dx} {dy}' for dx, dy in steps) + 'z'
