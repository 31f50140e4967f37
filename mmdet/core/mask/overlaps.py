"""Overlaps of masks that were not pasted into their frame yet."""
import torch
from torch import Tensor

from mmdet.core.bbox import bbox_overlaps

PAIRS = 4096  # looked at together: some 25 MB of places for masks of 28x28


def mask_overlaps(boxes1: Tensor, masks1: Tensor, boxes2: Tensor, masks2: Tensor) -> Tensor:
    """IoU of masks, each stretched over its inclusive box; the host waits once.

    Sampled at the centres of the cells of the first mask, so it is exact to about a cell. The
    samples are counted: whatever is computed beside it, the numbers stay the same.

    Args:
        boxes1: (m, 4) xyxy.
        masks1: (m, h, w) bool.
        boxes2: (n, 4).
        masks2: (n, h', w') bool.

    Returns:
        (m, n) float32 in [0, 1]; 0 where both masks are empty.
    """
    iou = torch.zeros((len(boxes1), len(boxes2)), device=boxes1.device)
    first, second = (bbox_overlaps(boxes1, boxes2) > 0).nonzero(as_tuple=True)
    for i, j in zip(first.split(PAIRS), second.split(PAIRS)):
        iou[i, j] = _aligned(boxes1[i], masks1[i], boxes2[j], masks2, j)
    return iou


def _aligned(boxes1: Tensor, masks1: Tensor, boxes2: Tensor, masks2: Tensor, j: Tensor) -> Tensor:
    """(p,) IoU of p pairs; the second masks are ``masks2[j]``."""
    (h, w), (h2, w2) = masks1.shape[1:], masks2.shape[1:]
    column, beside = _cells(boxes1[:, 0::2], boxes2[:, 0::2], w, w2)
    row, above = _cells(boxes1[:, 1::2], boxes2[:, 1::2], h, h2)
    place = (j[:, None, None] * h2 + row[:, :, None]) * w2 + column[:, None, :]
    there = masks2.flatten()[place] & (above[:, :, None] & beside[:, None, :])
    inter = (there & masks1).sum(dim=(1, 2)) * _cell_area(boxes1, h * w)
    area1 = masks1.sum(dim=(1, 2)) * _cell_area(boxes1, h * w)
    area2 = masks2.sum(dim=(1, 2))[j] * _cell_area(boxes2, h2 * w2)
    inter = torch.minimum(inter, torch.minimum(area1, area2))
    return inter / (area1 + area2 - inter).clamp(min=1e-6)


def _cells(ends1: Tensor, ends2: Tensor, count1: int, count2: int) -> tuple[Tensor, Tensor]:
    """In which cell of the second of p pairs the centres of the cells of the first lie.

    Args:
        ends1, ends2: (p, 2) first and last pixel along an axis.
        count1, count2: cells along it.

    Returns:
        (p, count1) int64 within bounds, and bool: whether it lies in any.
    """
    centres = (torch.arange(count1, device=ends1.device) + 0.5) / count1
    at = ends1[:, :1] + centres * (ends1[:, 1:] - ends1[:, :1] + 1)
    cell = ((at - ends2[:, :1]) / (ends2[:, 1:] - ends2[:, :1] + 1) * count2).floor().long()
    return cell.clamp(0, count2 - 1), (cell >= 0) & (cell < count2)


def _cell_area(boxes: Tensor, count: int) -> Tensor:
    """(p,) square pixels of a cell."""
    return (boxes[:, 2:] - boxes[:, :2] + 1).prod(dim=1) / count
