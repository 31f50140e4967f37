"""AP of some objects only: by length, size and company."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import Convention
from mmdet.evaluation.errors.matching import Ignored, Matching, match
from mmdet.evaluation.errors.precision import average_precision, class_mean, outcome, reading_order
from mmdet.evaluation.errors.tracks import Tracks


class Slice(NamedTuple):
    """The tracks whose value lies between two bounds, both included."""
    label: str
    low: float
    high: float

    def misses(self, values: np.ndarray) -> np.ndarray:
        """(N,) bool: outside."""
        return (values < self.low) | (values > self.high)


def slices(labels: Sequence[str], limits: Sequence[float], shared: bool = False) -> list[Slice]:
    """Neighbouring slices, one more than limits.

    Args:
        labels: of the slices, from small to large.
        limits: ascending; a value equal to one belongs to the smaller slice.
        shared: it belongs to both, as sizes do in the official evaluator.
    """
    ends = [*limits, np.inf]
    starts = [-np.inf, *(limits if shared else np.nextafter(limits, np.inf))]
    return [Slice(*each) for each in zip(labels, starts, ends, strict=True)]


def ap_per_threshold(tracks: Tracks, matching: Matching, convention: Convention,
                     weights: np.ndarray | None = None) -> np.ndarray:
    """(T, B, K) AP of every class, see :func:`.precision.average_precision`."""
    order = reading_order(tracks, convention)
    return np.stack([average_precision(outcome(tracks, matching, t, order), convention, weights)
                     for t in range(len(matching.thresholds))])


def ap_in(part: Slice, values: tuple[np.ndarray, np.ndarray], tracks: Tracks,
          convention: Convention, thresholds: np.ndarray) -> tuple[np.ndarray, int]:
    """AP of the objects in a slice; results outside of it are not false.

    Args:
        part: which objects.
        values: (M,) of the objects and (N,) of the results, what the slice is about.
        tracks: of the data set.
        convention: how to count.
        thresholds: (T,) IoU.

    Returns:
        (T,) mean over classes in percent, and the number of objects.
    """
    ignored = Ignored(*(part.misses(each) for each in values))
    matching = match(tracks, convention, thresholds, ignored)
    ap = class_mean(ap_per_threshold(tracks, matching, convention))[:, 0]
    return ap, int(matching.objects.sum())

