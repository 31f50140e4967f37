"""Overlaps of boxes."""
import torch
from torch import Tensor

from mmdet.utils.errors import BadValue


def bbox_overlaps(bboxes1: Tensor, bboxes2: Tensor, mode: str = 'iou',
                  is_aligned: bool = False) -> Tensor:
    """Overlaps of inclusive boxes (width is ``x2 - x1 + 1``, as the 2019 code).

    Args:
        bboxes1: (m, 4) xyxy.
        bboxes2: (n, 4) xyxy; n = m if ``is_aligned``.
        mode: ``'iou'``, or ``'iof'``: intersection over the area of ``bboxes1``.
        is_aligned: compare row i with row i only.

    Returns:
        (m, n), or (m,) if aligned, in [0, 1].

    Raises:
        ValueError: unknown mode, or aligned boxes of different number.
    """
    if mode not in ('iou', 'iof'):
        raise BadValue(f"mode is 'iou' or 'iof', got {mode!r}")
    if is_aligned and len(bboxes1) != len(bboxes2):
        raise BadValue(f'aligned boxes differ in number: {len(bboxes1)} and {len(bboxes2)}')
    area1, area2 = _area(bboxes1), _area(bboxes2)
    if not is_aligned:
        bboxes1, area1, area2 = bboxes1[:, None], area1[:, None], area2[None]
    top_left = torch.max(bboxes1[..., :2], bboxes2[..., :2])
    bottom_right = torch.min(bboxes1[..., 2:4], bboxes2[..., 2:4])
    size = (bottom_right - top_left + 1).clamp(min=0)
    overlap = size[..., 0] * size[..., 1]
    return overlap / (area1 if mode == 'iof' else area1 + area2 - overlap)


def _area(bboxes: Tensor) -> Tensor:
    return (bboxes[:, 2] - bboxes[:, 0] + 1) * (bboxes[:, 3] - bboxes[:, 1] + 1)
