"""Non-maximum suppression over inclusive boxes: widths are ``x2 - x1 + 1``."""
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mmdet.ops import checks, library
from mmdet.ops.pure import nms as pure

Dets = TypeVar('Dets', Tensor, np.ndarray)


def nms(dets: Dets, iou_thr: float, *,
        max_num: int = -1) -> tuple[Dets, Tensor | np.ndarray]:
    """Keep the best-scored box of every heap of overlapping ones.

    Args:
        dets: (n, 5) floating point tensor or array: x1, y1, x2, y2, score.
        iou_thr: a box goes when its IoU with a kept better one is larger. Taken as
            written for inverted boxes (x2 < x1) and thresholds below 0, too.
        max_num: keep at most so many; -1 keeps all. By name only: the third argument was
            a device number in 2019.

    Returns:
        (k, 5) the kept rows and (k,) int64 their indices, both of the type of
        ``dets``, best score first; equal scores keep their order. Rows with
        NaN are never kept.

    Raises:
        ValueError, TypeError: ``dets`` is no floating point (n, 5).
    """
    if isinstance(dets, np.ndarray):
        kept, inds = nms(torch.from_numpy(np.ascontiguousarray(dets)), iou_thr, max_num=max_num)
        return kept.numpy(), inds.numpy()
    checks.boxes('nms', dets, 5)
    boxes, scores = dets[:, :4], dets[:, 4]
    if library.compiled(dets):
        inds = torch.ops.mmdet.nms(boxes, scores, None, float(iou_thr), int(max_num))
    else:
        inds = pure.nms(boxes, scores, float(iou_thr), int(max_num))
    return dets[inds], inds


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_thr: float,
                max_num: int = -1) -> Tensor:
    """``nms`` within every label (class, pyramid level, image) at once.

    Args:
        boxes: (n, 4) floating point.
        scores: (n,) floating point.
        labels: (n,) integers; boxes of different labels never meet.
        iou_thr: a box goes when its IoU with a kept better one is larger.
        max_num: keep at most so many over all labels; -1 keeps all.

    Returns:
        (k,) int64 kept indices, best score first; equal scores keep their
        order. Rows with NaN are never kept.

    Raises:
        ValueError, TypeError: shapes, dtypes or devices do not fit.
    """
    checks.boxes('batched_nms', boxes, 4)
    checks.scores('batched_nms', scores, boxes)
    checks.index('batched_nms', 'labels', labels, boxes)
    if library.compiled(boxes):
        return torch.ops.mmdet.nms(boxes, scores, labels.long(), float(iou_thr), int(max_num))
    return pure.batched_nms(boxes, scores, labels, float(iou_thr), int(max_num))
