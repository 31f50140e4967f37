"""Average precision of what was found, of all videos or of samples of them."""
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import Convention
from mmdet.evaluation.errors.matching import Matching
from mmdet.evaluation.errors.tracks import Tracks

CHUNK = 64  # samples at once: more leave the processor's cache


class Outcome(NamedTuple):
    """R results that count, in the order in which equal scores are ranked."""
    video: np.ndarray  # (R,) int64
    category: np.ndarray  # (R,) int64
    score: np.ndarray  # (R,) float64
    right: np.ndarray  # (R,) bool
    objects: np.ndarray  # (V, K) int64 objects to be found per video and class


def reading_order(tracks: Tracks, convention: Convention) -> np.ndarray:
    """(N,) rows of the results; the earlier ranks first among equal scores."""
    if convention.video_order:
        return np.argsort(tracks.dt.video, kind='stable')
    return np.arange(len(tracks.dt.video))


def count_objects(tracks: Tracks, which: np.ndarray) -> np.ndarray:
    """(V, K) number of the objects that ``which``, bool (M,), selects."""
    shape = len(tracks.videos), len(tracks.class_ids)
    cell = tracks.gt.video[which] * shape[1] + tracks.gt.category[which]
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def outcome(tracks: Tracks, matching: Matching, t: int, order: np.ndarray) -> Outcome:
    """What was found at threshold number ``t``; ``order`` of :func:`reading_order`."""
    rows = order[matching.counts[t, order]]
    return Outcome(tracks.dt.video[rows], tracks.dt.category[rows], tracks.dt.score[rows],
                   matching.found[t, rows] >= 0, count_objects(tracks, matching.objects))


def average_precision(found: Outcome, convention: Convention,
                      weights: np.ndarray | None = None) -> np.ndarray:
    """AP per class, in percent.

    Args:
        found: results and objects.
        convention: recall levels, and what a class without objects is.
        weights: (B, V) how often each video is in a sample; None: one sample, each once.

    Returns:
        (B, K) float64; NaN for a class that is left out.

    Source: the interpolated precision at 101 levels of recall, as of COCO.
    """
    if weights is None:
        weights = np.ones((1, len(found.objects)), np.int64)
    parts = [_average_precision(found, convention, weights[start:start + CHUNK])
             for start in range(0, len(weights), CHUNK)]
    return np.concatenate(parts)


def _average_precision(found: Outcome, convention: Convention, weights: np.ndarray) -> np.ndarray:
    objects = weights @ found.objects
    values = np.full(objects.shape, np.nan)
    for k, rows in enumerate(_by_class(found)):
        times = weights[:, found.video[rows]]
        there = objects[:, k] > 0
        precision, levels = _curves(times[there], found.right[rows], objects[there, k], convention)
        values[there, k] = 100 * (precision * levels).sum(axis=1) / len(convention.levels)
        if convention.empty_class_is_zero:
            values[~there & times.any(axis=1), k] = 0
    return values


def precision_at_levels(found: Outcome, convention: Convention) -> np.ndarray:
    """(K, 101) interpolated precision per class, in percent; 0 at a recall that is not
    reached, NaN for a class without objects."""
    objects = found.objects.sum(axis=0)
    values = np.full((len(objects), len(convention.levels)), np.nan)
    for k, rows in enumerate(_by_class(found)):
        if objects[k]:
            once = np.ones((1, len(rows)), np.int64)
            precision, levels = _curves(once, found.right[rows], objects[k:k + 1], convention)
            reached = np.repeat(100 * precision[0], levels[0])
            values[k] = np.pad(reached, (0, values.shape[1] - len(reached)))
    return values


def _by_class(found: Outcome) -> list[np.ndarray]:
    """Rows of the results of each class, best score first."""
    order = np.lexsort((-found.score, found.category))  # stable
    classes = np.arange(1, found.objects.shape[1])
    return np.split(order, np.searchsorted(found.category[order], classes))


def _curves(times: np.ndarray, right: np.ndarray, objects: np.ndarray,
            convention: Convention) -> tuple[np.ndarray, np.ndarray]:
    """Precision (B, R) from each of R results on, and the levels of recall it reaches first.

    Args:
        times: (B, R) how often each result is in a sample, best score first.
        right: (R,) bool.
        objects: (B,) to be found, not 0.
        convention: recall levels.
    """
    hits = np.cumsum(times * right, axis=1, dtype=float)
    seen = np.cumsum(times, axis=1, dtype=float)
    precision = np.divide(hits, seen + convention.epsilon, out=np.zeros_like(hits), where=seen > 0)
    # A curve never rises to the right: take the best precision still ahead.
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(convention.levels, hits / objects[:, None], side='right')
    # Recall 0 is reached by the first result, right or wrong.
    return precision, np.diff(reached, axis=1, prepend=0)


def class_mean(values: np.ndarray) -> np.ndarray:
    """(...) mean over the classes, the last axis, that are not left out; NaN without any."""
    there = ~np.isnan(values)
    total, count = np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
