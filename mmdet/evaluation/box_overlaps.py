"""Overlaps of boxes as arrays."""
import numpy as np

from mmdet.utils.errors import BadValue


def bbox_overlaps(bboxes1: np.ndarray, bboxes2: np.ndarray, mode: str = 'iou') -> np.ndarray:
    """Overlaps of inclusive boxes (width is ``x2 - x1 + 1``).

    Args:
        bboxes1: (m, 4 or more) xyxy.
        bboxes2: (n, 4 or more) xyxy.
        mode: ``'iou'``, or ``'iof'``: intersection over the area of ``bboxes1``.

    Returns:
        (m, n) float32 in [0, 1], computed in float32, so that a threshold falls where it fell in
        2019.

    Raises:
        ValueError: unknown mode.
    """
    if mode not in ('iou', 'iof'):
        raise BadValue(f"mode is 'iou' or 'iof', got {mode!r}")
    if not len(bboxes1) or not len(bboxes2):
        return np.zeros((len(bboxes1), len(bboxes2)), np.float32)
    first, second = (np.asarray(boxes, np.float32)[:, :4] for boxes in (bboxes1, bboxes2))
    sides = (np.minimum(first[:, None, 2:], second[None, :, 2:])
             - np.maximum(first[:, None, :2], second[None, :, :2]) + np.float32(1)).clip(0)
    overlap = sides[..., 0] * sides[..., 1]
    area1 = box_areas(first)[:, None]
    return overlap / (area1 if mode == 'iof' else area1 + box_areas(second) - overlap)


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """(n,) areas of inclusive boxes (n, 4 or more), square pixels."""
    return (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
