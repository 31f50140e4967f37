"""HOTA and IDF1 of detections under one set of ids after another, from what adds up over videos."""
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.overlaid import Overlaid
from mmdet.evaluation.frame_pairs import FramePairs
from mmdet.evaluation.tracking_metrics import load_metrics


class HotaCounts(NamedTuple):
    """Found, missed, false detections and association of those found, over 19 thresholds."""
    sums: np.ndarray  # (4, 19) float64

    @staticmethod
    def value(sums: np.ndarray) -> np.ndarray:
        """(B,) HOTA in [0, 1] of (B, 4, 19) sums; the mean over thresholds."""
        found, missed, false, together = np.moveaxis(sums, 1, 0)
        detection = found / np.maximum(1, found + missed + false)
        return np.sqrt(detection * together / np.maximum(1, found)).mean(axis=1)


class IdentityCounts(NamedTuple):
    """Found, missed and false detections under the best one-to-one map of identities."""
    sums: np.ndarray  # (3,) float64

    @staticmethod
    def value(sums: np.ndarray) -> np.ndarray:
        """(B,) IDF1 in [0, 1] of (B, 3) sums."""
        found, missed, false = sums.T
        return found / np.maximum(1, found + (missed + false) / 2)


def count_identities(found: Overlaid, ids: np.ndarray, classes: np.ndarray,
                     gt_classes: np.ndarray, objective: str) -> HotaCounts | IdentityCounts:
    """What a video adds, all classes together.

    Args:
        found: its D detections over its G objects.
        ids: (D,) int64, -1 for none; all T from 0 on appear.
        classes: (T,) of the tracks.
        gt_classes: (G,) of the objects.
        objective: ``'hota'`` or ``'idf1'``.

    Raises:
        ImportError: ``trackeval`` is not installed.
    """
    metric = load_metrics()['HOTA' if objective == 'hota' else 'Identity']
    seen = gt_classes[found.gt_seen.any(axis=1)]
    scores = [metric.eval_sequence(_sequence(found, ids, classes, gt_classes == cat, cat))
              for cat in np.union1d(seen, classes)]
    if objective == 'hota':
        table = [[s['HOTA_TP'], s['HOTA_FN'], s['HOTA_FP'], s['AssA'] * s['HOTA_TP']]
                 for s in scores]
        return HotaCounts(np.array(table, float).reshape(-1, 4, len(metric.array_labels)).sum(0))
    counts = [[s['IDTP'], s['IDFN'], s['IDFP']] for s in scores]
    return IdentityCounts(np.array(counts, float).reshape(-1, 3).sum(0))


def _sequence(found: Overlaid, ids: np.ndarray, classes: np.ndarray, chosen: np.ndarray,
              category: int) -> dict:
    """The objects ``chosen``, (G,) bool, and the tracks of a class as TrackEval takes them."""
    chosen = chosen & found.gt_seen.any(axis=1)
    mine = (ids >= 0) & np.append(classes == category, False)[ids]
    gt_name, dt_name = chosen.cumsum() - 1, (classes == category).cumsum() - 1
    length = found.gt_seen.shape[1]
    gt_frame, gt_row = np.nonzero(found.gt_seen[chosen].T)
    by_name = np.lexsort((ids[mine], found.frame[mine]))
    dt_frame, dt_row = found.frame[mine][by_name], dt_name[ids[mine]][by_name]
    pairs = mine[found.dt] & chosen[found.gt]
    frame, gt, dt = (part[pairs] for part in (
        found.frame[found.dt], gt_name[found.gt], dt_name[ids[found.dt]]))
    order = np.argsort(frame, kind='stable')
    starts = np.arange(1, length)
    return dict(
        gt_ids=np.split(gt_row, np.searchsorted(gt_frame, starts)),
        tracker_ids=np.split(dt_row, np.searchsorted(dt_frame, starts)),
        pairs=FramePairs(frame[order], gt[order], dt[order], found.ious[pairs][order], length),
        num_gt_ids=int(chosen.sum()), num_tracker_ids=int((classes == category).sum()),
        num_gt_dets=len(gt_row), num_tracker_dets=len(dt_row))
