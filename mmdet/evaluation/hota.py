"""TrackEval's HOTA and identity scores on pairs that overlap, not on tables of all tracks."""
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from trackeval.metrics import HOTA, Identity

from mmdet.evaluation.frame_pairs import FramePairs

EPS = np.finfo(float).eps
MANY = 10**6  # cells of a frame beyond which only tracks that overlap any other get one


class FastHOTA(HOTA):
    """Same numbers as the class it extends, several times sooner, thresholds taken together.

    Besides TrackEval's, the data of a video holds ``pairs``, a :class:`FramePairs`.
    """

    def eval_sequence(self, data: dict) -> dict:
        """Score one video and class; fields as of :class:`trackeval.metrics.HOTA`."""
        if not data['num_gt_dets'] or not data['num_tracker_dets']:
            return super().eval_sequence(data)
        gt_count = np.bincount(np.concatenate(data['gt_ids']))
        dt_count = np.bincount(np.concatenate(data['tracker_ids']))
        gt, dt, iou = _assign(data, _alignment(data['pairs'], gt_count, dt_count))
        hits = iou >= np.array(self.array_labels)[:, None] - EPS
        found = hits.sum(axis=1).astype(float)
        names, pair = np.unique(gt * len(dt_count) + dt, return_inverse=True)
        gt_count, dt_count = gt_count[names // len(dt_count)], dt_count[names % len(dt_count)]
        counts = _count_pairs(hits, pair, len(names))
        either = np.maximum(1, gt_count + dt_count - counts)
        result = dict(HOTA_TP=found, HOTA_FN=data['num_gt_dets'] - found,
                      HOTA_FP=data['num_tracker_dets'] - found)
        for name, whole in (('AssA', either), ('AssRe', gt_count), ('AssPr', dt_count)):
            result[name] = (counts * counts / whole).sum(axis=1) / np.maximum(1, found)
        result['LocA'] = (np.maximum(1e-10, (hits * iou).sum(axis=1)) / np.maximum(1e-10, found))
        return self._compute_final_fields(result)


def _alignment(pairs: FramePairs, gt_count: np.ndarray, dt_count: np.ndarray) -> np.ndarray:
    """(P,) how well the two identities of each pair fit each other over the video."""
    rivals = pairs.sums(pairs.gt) + pairs.sums(pairs.dt) - pairs.iou
    share = np.divide(pairs.iou, rivals, out=np.zeros_like(pairs.iou), where=rivals > EPS)
    names, pair = np.unique(pairs.gt * len(dt_count) + pairs.dt, return_inverse=True)
    together = np.bincount(pair, share, len(names))[pair]
    return together / (gt_count[pairs.gt] + dt_count[pairs.dt] - together)


def _assign(data: dict, alignment: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (P,) of ids that belong together frame by frame, and their IoU."""
    gt, dt, iou = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
    pairs = data['pairs']
    for place, (gt_ids, dt_ids) in enumerate(zip(data['gt_ids'], data['tracker_ids'])):
        own = pairs.of_frame(place)
        if len(gt_ids) * len(dt_ids) > MANY:
            gt_ids, dt_ids = np.unique(pairs.gt[own]), np.unique(pairs.dt[own])
        if len(gt_ids) and len(dt_ids):
            similarity = pairs.table(place, gt_ids, dt_ids, pairs.iou[own])
            score = pairs.table(place, gt_ids, dt_ids, alignment[own]) * similarity
            rows, columns = linear_sum_assignment(-score)
            gt.append(gt_ids[rows])
            dt.append(dt_ids[columns])
            iou.append(similarity[rows, columns])
    return np.concatenate(gt), np.concatenate(dt), np.concatenate(iou)


def _count_pairs(hits: np.ndarray, pair: np.ndarray, num: int) -> np.ndarray:
    """(A, num) frames in which a pair of ids was matched, for each threshold."""
    threshold, place = np.nonzero(hits)
    return np.bincount(threshold * num + pair[place], minlength=len(hits) * num).reshape(-1, num)


class SparseIdentity(Identity):
    """Same numbers as the class it extends, without its tables of all by all tracks.

    The best one-to-one assignment of identities is that with most frames in common, which needs
    only pairs that have any. Data as of :class:`FastHOTA`.
    """

    def eval_sequence(self, data: dict) -> dict:
        """Score one video and class; fields as of :class:`trackeval.metrics.Identity`."""
        if not data['num_gt_dets'] or not data['num_tracker_dets']:
            return super().eval_sequence(data)
        pairs = data['pairs']
        good = pairs.iou >= self.threshold
        common = coo_matrix((np.ones(good.sum()), (pairs.gt[good], pairs.dt[good])),
                            (data['num_gt_ids'], data['num_tracker_ids']))
        found = _most_in_common(common)
        return self._compute_final_fields(dict(
            IDTP=found, IDFN=data['num_gt_dets'] - found, IDFP=data['num_tracker_dets'] - found))


def _most_in_common(common: coo_matrix) -> int:
    """The largest sum of entries of which no two share a row or column."""
    common.sum_duplicates()
    rows, columns = common.shape
    # A column of its own for each row that stays alone; 1 more everywhere, as 0 means no entry.
    alone = np.arange(rows)
    weights = coo_matrix((np.concatenate([common.data + 1, np.ones(rows)]),
                          (np.concatenate([common.row, alone]),
                           np.concatenate([common.col, columns + alone]))), (rows, columns + rows))
    weights = weights.tocsr()
    return int(weights[min_weight_full_bipartite_matching(weights, maximize=True)].sum()) - rows
