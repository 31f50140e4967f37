"""TrackEval's HOTA with its thresholds taken together instead of one by one."""
import numpy as np
from scipy.optimize import linear_sum_assignment
from trackeval.metrics import HOTA

EPS = np.finfo(float).eps


class FastHOTA(HOTA):
    """Same numbers as the class it extends, several times sooner.

    Besides TrackEval's, the data of a video holds ``ious`` (F, G, D): IoU in
    each frame, 0 where one is absent, rows and columns numbered by id.
    """

    def eval_sequence(self, data: dict) -> dict:
        """Score one video and class; fields as of :class:`trackeval.metrics.HOTA`."""
        if not data['num_gt_dets'] or not data['num_tracker_dets']:
            return super().eval_sequence(data)
        gt_count = np.bincount(np.concatenate(data['gt_ids']))[:, None]
        dt_count = np.bincount(np.concatenate(data['tracker_ids']))[None, :]
        gt, dt, iou = _assign(data, _alignment(data['ious'], gt_count, dt_count))
        hits = iou >= np.array(self.array_labels)[:, None] - EPS
        found = hits.sum(axis=1).astype(float)
        counts = _count_pairs(hits, gt, dt, (gt_count.size, dt_count.size))
        either = np.maximum(1, gt_count + dt_count - counts)
        result = dict(HOTA_TP=found, HOTA_FN=data['num_gt_dets'] - found,
                      HOTA_FP=data['num_tracker_dets'] - found)
        for name, whole in (('AssA', either), ('AssRe', gt_count), ('AssPr', dt_count)):
            result[name] = (counts * counts / whole).sum(axis=(1, 2)) / np.maximum(1, found)
        result['LocA'] = (np.maximum(1e-10, (hits * iou).sum(axis=1)) / np.maximum(1e-10, found))
        return self._compute_final_fields(result)


def _alignment(ious: np.ndarray, gt_count: np.ndarray, dt_count: np.ndarray) -> np.ndarray:
    """(G, D) how well two identities fit each other over the video."""
    rivals = ious.sum(axis=1, keepdims=True) + ious.sum(axis=2, keepdims=True) - ious
    share = np.divide(ious, rivals, out=np.zeros_like(ious), where=rivals > EPS)
    together = share.sum(axis=0)
    return together / (gt_count + dt_count - together)


def _assign(data: dict, alignment: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (P,) of ids that belong together frame by frame, and their IoU."""
    gt, dt, iou = [], [], []
    for gt_ids, dt_ids, similarity in zip(data['gt_ids'], data['tracker_ids'],
                                          data['similarity_scores']):
        if len(gt_ids) and len(dt_ids):
            score = alignment[gt_ids[:, None], dt_ids] * similarity
            rows, columns = linear_sum_assignment(-score)
            gt.append(gt_ids[rows])
            dt.append(dt_ids[columns])
            iou.append(similarity[rows, columns])
    if not gt:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    return np.concatenate(gt), np.concatenate(dt), np.concatenate(iou)


def _count_pairs(hits: np.ndarray, gt: np.ndarray, dt: np.ndarray,
                 shape: tuple[int, int]) -> np.ndarray:
    """(A, G, D) frames in which a pair was matched, for each threshold."""
    threshold, pair = np.nonzero(hits)
    place = np.ravel_multi_index((threshold, gt[pair], dt[pair]), (len(hits), *shape))
    return np.bincount(place, minlength=len(hits) * shape[0] * shape[1]).reshape(-1, *shape)
