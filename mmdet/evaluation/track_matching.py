"""Which track finds which object, and the precision and recall that follow."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Matches(NamedTuple):
    """One video and category; A area ranges, T IoU thresholds, D tracks by score."""
    scores: np.ndarray  # (D,) descending
    gt_index: np.ndarray  # (A, T, D) row of the object found, -1 for none
    dt_ignore: np.ndarray  # (A, T, D) bool: counts neither right nor wrong
    gt_ignore: np.ndarray  # (A, G) bool: need not be found


def outside(areas: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """(A, N) bool: mean area (N,) not within the inclusive range (A, 2), pixels."""
    return (areas < ranges[:, :1]) | (areas > ranges[:, 1:])


def match_tracks(ious: np.ndarray, thresholds: np.ndarray, gt_ignore: np.ndarray,
                 gt_crowd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give every track, best score first, the free object it overlaps most.

    Objects that count come before ignored ones; a crowd can be found again and
    again; of equal overlaps the later object wins.

    Args:
        ious: (D, G) tracks in descending score.
        thresholds: (T,) smallest IoU that finds an object.
        gt_ignore: (A, G) bool, for each area range.
        gt_crowd: (G,) bool.

    Returns:
        (A, T, D) int64 row of the object found or -1, and (A, T, D) bool
        whether that object is ignored.

    Source: the official evaluator (youtubevos/cocoapi), its three loops.
    """
    shape = len(gt_ignore), len(thresholds)
    found = np.full((*shape, len(ious)), -1, np.int64)
    ignored = np.zeros((*shape, len(ious)), bool)
    thresholds = np.minimum(thresholds, 1 - 1e-10)
    free = np.ones((*shape, ious.shape[1]), bool)
    counts = ~gt_ignore[:, None, :]
    possible = ious.max(axis=1, initial=0) >= thresholds.min(initial=1)
    for d in np.flatnonzero(possible):
        good = free & (ious[d] >= thresholds[:, None])
        best = good & counts
        best = np.where(best.any(axis=2, keepdims=True), best, good)
        overlap = np.where(best, ious[d], -1.0)[..., ::-1]
        row = ious.shape[1] - 1 - overlap.argmax(axis=2)
        area, iou = np.nonzero(best.any(axis=2))
        row = row[area, iou]
        found[area, iou, d] = row
        ignored[area, iou, d] = gt_ignore[area, row]
        free[area, iou, row] = gt_crowd[row]
    return found, ignored


def match_video(ious: np.ndarray, scores: np.ndarray, dt_areas: np.ndarray,
                gts: tuple[np.ndarray, np.ndarray], thresholds: np.ndarray,
                ranges: np.ndarray) -> Matches:
    """Match the tracks of one video and category in every area range.

    Args:
        ious: (D, G), tracks in descending score.
        scores: (D,) descending.
        dt_areas: (D,) mean area in pixels.
        gts: (G,) mean area in pixels and (G,) bool whether it is a crowd.
        thresholds: (T,) IoU.
        ranges: (A, 2) inclusive area ranges in pixels.
    """
    gt_areas, gt_crowd = gts
    gt_ignore = gt_crowd | outside(gt_areas, ranges)
    found, ignored = match_tracks(ious, thresholds, gt_ignore, gt_crowd)
    alone = (found < 0) & outside(dt_areas, ranges)[:, None, :]
    return Matches(scores, found, ignored | alone, gt_ignore)


class Curve(NamedTuple):
    """Precision and score at the recall levels (T, R), and the last recall (T,)."""
    precision: np.ndarray
    scores: np.ndarray
    recall: np.ndarray


def join(videos: Sequence[Matches]) -> tuple[Matches, np.ndarray]:
    """The matches of several videos as one, and every track's rank in its video.

    Args:
        videos: at least one, in the order of the video ids. ``gt_index`` keeps
            counting from 0 in each.
    """
    rank = np.concatenate([np.arange(len(video.scores)) for video in videos])
    fields = zip(*videos)
    return Matches(*(np.concatenate(values, axis=-1) for values in fields)), rank


def precision_recall(matches: Matches, rank: np.ndarray, area: int, max_dets: int,
                     levels: np.ndarray) -> Curve:
    """The interpolated precision-recall curves of one category.

    Args:
        matches: of all videos, see ``join``.
        rank: of every track in its video.
        area: which area range.
        max_dets: tracks that count per video.
        levels: (R,) recall levels, ascending.

    Returns:
        curves; all -1 when there is no object to find.
    """
    num_gt = int(np.count_nonzero(~matches.gt_ignore[area]))
    if not num_gt:
        num_iou = matches.gt_index.shape[1]
        empty = np.full((num_iou, len(levels)), -1.0)
        return Curve(empty, empty, np.full(num_iou, -1.0))
    kept = np.flatnonzero(rank < max_dets)
    kept = kept[np.argsort(-matches.scores[kept], kind='stable')]
    found = matches.gt_index[area][:, kept] >= 0
    counts = ~matches.dt_ignore[area][:, kept]
    right = np.cumsum(found & counts, axis=1, dtype=float)
    wrong = np.cumsum(~found & counts, axis=1, dtype=float)
    recall = right / num_gt
    precision = right / (wrong + right + np.spacing(1))
    # A curve never rises to the right: take the best precision still ahead.
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return _at_levels(recall, precision, matches.scores[kept], levels)


def _at_levels(recall: np.ndarray, precision: np.ndarray, scores: np.ndarray,
               levels: np.ndarray) -> Curve:
    shape = len(recall), len(levels)
    out = Curve(np.zeros(shape), np.zeros(shape), np.zeros(shape[0]))
    if not len(scores):
        return out
    for t, curve in enumerate(recall):
        place = np.searchsorted(curve, levels, side='left')
        reached = place[place < len(curve)]
        out.precision[t, :len(reached)] = precision[t, reached]
        out.scores[t, :len(reached)] = scores[reached]
    out.recall[:] = recall[:, -1]
    return out
