"""Soft-NMS, one row at a time with NumPy."""
import numpy as np


def soft_nms(dets: np.ndarray, inds: np.ndarray, iou_thr: float, gaussian: bool,
             sigma: float, min_score: float) -> int:
    """Decay and order ``dets`` in place, ``inds`` with them; return how many stay.

    The best remaining row is swapped to the front, rows that overlap it decay,
    and a row that fell below ``min_score`` gives its place to the last one: the
    order of equal scores is that of the 2019 code.

    Args:
        dets: (n, 5) float32 boxes and scores, overwritten.
        inds: (n,) int64, permuted along.
    """
    count = len(dets)
    row = 0
    while row < count:
        best = row + int(np.argmax(dets[row:count, 4]))
        _swap(dets, inds, row, best)
        iou, touch = _overlap(dets[row], dets[row + 1:count])
        rest = dets[row + 1:count, 4]
        decay = np.exp(-(iou * iou) / np.float32(sigma)) if gaussian else np.where(
            iou > np.float32(iou_thr), np.float32(1) - iou, np.float32(1))
        rest[touch] *= decay[touch].astype(np.float32)
        drop = touch & (rest < np.float32(min_score))
        count = _remove(dets, inds, row + 1, count, drop)
        row += 1
    return count


def _swap(dets: np.ndarray, inds: np.ndarray, a: int, b: int) -> None:
    dets[[a, b]] = dets[[b, a]]
    inds[[a, b]] = inds[[b, a]]


def _overlap(box: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(IoU, whether they intersect at all) of one row with the others."""
    one = np.float32(1)
    w = np.minimum(box[2], rest[:, 2]) - np.maximum(box[0], rest[:, 0]) + one
    h = np.minimum(box[3], rest[:, 3]) - np.maximum(box[1], rest[:, 1]) + one
    inter = w * h
    area = (box[2] - box[0] + one) * (box[3] - box[1] + one)
    areas = (rest[:, 2] - rest[:, 0] + one) * (rest[:, 3] - rest[:, 1] + one)
    touch = (w > 0) & (h > 0)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        iou = np.where(touch, inter / (area + areas - inter), np.float32(0))
    return iou, touch


def _remove(dets: np.ndarray, inds: np.ndarray, pos: int, count: int,
            drop: np.ndarray) -> int:
    """Fill each dropped row with the last living one; return the new count."""
    drop = np.concatenate([np.zeros(pos, bool), drop])
    while pos < count:
        if drop[pos]:
            count -= 1
            _swap(dets, inds, pos, count)
            drop[pos] = drop[count]
        else:
            pos += 1
    return count
