"""Greedy suppression with NumPy on the host; tensors of a GPU are moved there and back."""
import numpy as np
import torch
from torch import Tensor


@np.errstate(divide='ignore', invalid='ignore', over='ignore')
def greedy(boxes: np.ndarray, scores: np.ndarray, iou_thr: float,
           max_num: int = -1) -> np.ndarray:
    """Kept indices, highest score first; equal scores keep their order.

    Args:
        boxes: (n, 4) inclusive corners, float32 or float64.
        scores: (n,) same dtype.
        iou_thr: a box is dropped when its IoU with a kept one is larger.
        max_num: stop after so many kept boxes; -1 keeps all.
    """
    x1, y1, x2, y2 = boxes.T
    one = boxes.dtype.type(1)
    areas = (x2 - x1 + one) * (y2 - y1 + one)
    order = np.argsort(-scores, kind='stable')
    order = order[~np.isnan(boxes[order]).any(1) & ~np.isnan(scores[order])]
    keep = []
    while order.size and len(keep) != max_num:
        best, rest = order[0], order[1:]
        keep.append(best)
        w = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + one
        h = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + one
        inter = np.maximum(w, 0) * np.maximum(h, 0)
        iou = inter / (areas[best] + areas[rest] - inter)
        order = rest[~(iou > boxes.dtype.type(iou_thr))]
    return np.array(keep, np.int64)


def _host(tensor: Tensor) -> np.ndarray:
    wide = tensor.dtype == torch.float64
    return tensor.detach().to('cpu', torch.float64 if wide else torch.float32).numpy()


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_thr: float,
                max_num: int) -> Tensor:
    """See ``mmdet.ops.batched_nms``: a loop over the classes."""
    host_boxes, host_scores, host_labels = _host(boxes), _host(scores), labels.cpu().numpy()
    host_scores = host_scores.astype(host_boxes.dtype)
    kept = [np.zeros(0, np.int64)]
    for label in np.unique(host_labels):
        mine = np.flatnonzero(host_labels == label)
        kept.append(mine[greedy(host_boxes[mine], host_scores[mine], iou_thr, max_num)])
    kept = np.sort(np.concatenate(kept))
    kept = kept[np.argsort(-host_scores[kept], kind='stable')]
    kept = kept if max_num < 0 else kept[:max_num]
    return torch.from_numpy(kept).to(boxes.device)


def nms(boxes: Tensor, scores: Tensor, iou_thr: float, max_num: int) -> Tensor:
    """Kept indices of one class; see ``mmdet.ops.nms``."""
    kept = greedy(_host(boxes), _host(scores), iou_thr, max_num)
    return torch.from_numpy(kept).to(boxes.device)
