"""A video tracked in both directions: what one way loses, the other may have kept."""
from typing import NamedTuple

import numpy as np

from mmdet.core.track.assignment import needs_scipy


class Backward(NamedTuple):
    """Track a finished video from its end too, and take from that what the way forward lost.

    A detection that lost its object to a better claim, or an object that was only known some
    frames after its beginning, is mostly decided otherwise from the other end, where the object
    is known well. See :func:`merge_directions`. Off with ``iou_thr`` 1.

    Source: tracking in both directions, BiTrack of arXiv:2106.06649, and to find lost objects,
    arXiv:2106.10452; which two tracks are the same by their overlap in space and time, as
    arXiv:1905.04804 compares tracks.
    """
    iou_thr: float = 0.3


def merge_directions(frames: np.ndarray, forward: np.ndarray, backward: np.ndarray,
                     iou_thr: float) -> np.ndarray:
    """Ids of the D detections of a video from those of both directions.

    1. The overlap of a track of either direction is the number of detections they share over the
       number that either has: as they are the same detections, nothing is to be measured.
    2. Tracks are paired so that the sum of overlaps is largest; pairs below ``iou_thr`` are none.
    3. A forward track takes the detections of its partner in the frames where it has none
       itself, if no forward track has them or one without a partner: mostly the beginning of the
       object, under an id that was given up.

    Backward tracks without a partner would be duplicates and are left out. No id is new.

    Args:
        frames: (D,) int64, the frame of each.
        forward, backward: (D,) int64 ids, -1 for none; different within a frame.
        iou_thr: least overlap of two tracks that are one object.

    Returns:
        (D,) int64, ids of ``forward``.

    Raises:
        ImportError: scipy is not installed.
    """
    needs_scipy('test_cfg.track.backward')
    from scipy.optimize import linear_sum_assignment

    count, others = forward.max(initial=-1) + 1, backward.max(initial=-1) + 1
    both = (forward >= 0) & (backward >= 0)
    shared = np.bincount(forward[both] * others + backward[both], minlength=count * others
                         ).reshape(count, others)
    sizes = [np.bincount(ids[ids >= 0], minlength=n)
             for ids, n in ((forward, count), (backward, others))]
    overlap = shared / np.maximum(sizes[0][:, None] + sizes[1] - shared, 1)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    good = overlap[rows, columns] >= max(iou_thr, 1e-9)
    partner = np.full(others + 1, -1)  # the last entry is of detections without an id
    partner[columns[good]] = rows[good]
    paired = np.zeros(count + 1, bool)
    paired[rows[good]] = True
    there = np.zeros((count + 1, frames.max(initial=-1) + 1), bool)
    there[forward, frames] = True
    wanted = partner[backward]
    moves = (wanted >= 0) & ~paired[forward] & ~there[wanted, frames]
    return np.where(moves, wanted, forward)
