"""Encode, decode, flip, rescale and regroup boxes.

Boxes are inclusive: a box from x1 to x2 is ``x2 - x1 + 1`` pixels wide.
"""
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def _center_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and sizes, (..., 2) each as (x, y)."""
    return ((boxes[..., :2] + boxes[..., 2:]) * 0.5,
            boxes[..., 2:] - boxes[..., :2] + 1.0)


def bbox2delta(proposals: Tensor, gt: Tensor, means: Sequence[float] | Tensor = (0, 0, 0, 0),
               stds: Sequence[float] | Tensor = (1, 1, 1, 1)) -> Tensor:
    """Encode boxes relative to proposals.

    Args:
        proposals, gt: (n, 4) xyxy.
        means, stds: four numbers each (tensors on the device spare a copy to it);
            ``(delta - mean) / std`` is returned.

    Returns:
        (n, 4) float32: dx, dy, dw, dh.
    """
    center, size = _center_size(proposals.float())
    gt_center, gt_size = _center_size(gt.float())
    deltas = torch.cat([(gt_center - center) / size, torch.log(gt_size / size)], dim=-1)
    return (deltas - _like(means, deltas)) / _like(stds, deltas)


def _like(values: Sequence[float] | Tensor, other: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=other.dtype, device=other.device)


def delta2bbox(rois: Tensor, deltas: Tensor, means: Sequence[float] | Tensor = (0, 0, 0, 0),
               stds: Sequence[float] | Tensor = (1, 1, 1, 1), max_shape: tuple | None = None,
               wh_ratio_clip: float = 16 / 1000) -> Tensor:
    """Decode deltas, the inverse of :func:`bbox2delta`.

    Args:
        rois: (n, 4) xyxy.
        deltas: (n, 4 * k), k boxes a roi.
        max_shape: (h, w, ...): boxes are clipped to [0, w - 1] and [0, h - 1].
        wh_ratio_clip: sizes change at most by this factor or its inverse.

    Returns:
        (n, 4 * k) xyxy.
    """
    n, k = deltas.shape[0], deltas.shape[1] // 4
    deltas = deltas.view(n, k, 4) * _like(stds, deltas) + _like(means, deltas)
    max_ratio = abs(math.log(wh_ratio_clip))
    center, size = _center_size(rois[:, None, :4])
    new_size = size * deltas[..., 2:].clamp(-max_ratio, max_ratio).exp()
    new_center = center + size * deltas[..., :2]
    boxes = torch.cat([new_center - new_size * 0.5 + 0.5,
                       new_center + new_size * 0.5 - 0.5], dim=-1)
    if max_shape is not None:
        boxes = clip_boxes(boxes, max_shape)
    return boxes.view(n, 4 * k)


def clip_boxes(boxes: Tensor, shape: tuple) -> Tensor:
    """Clip xyxy boxes (..., 4) into an image of ``shape`` (h, w, ...)."""
    x, y = boxes.view(*boxes.shape[:-1], 2, 2).unbind(-1)
    return torch.stack([x.clamp(0, shape[1] - 1), y.clamp(0, shape[0] - 1)], dim=-1).flatten(-2)


Scale = float | Sequence[float] | np.ndarray  # one number, or four for x1 y1 x2 y2


def boxes_to_original(boxes: Tensor, scale_factor: Scale) -> Tensor:
    """Boxes in network pixels to original pixels.

    Args:
        boxes: (..., 4 * k) xyxy.
        scale_factor: network pixels per original pixel: a number, or four for x1 y1 x2 y2
            where the aspect ratio is not kept. They travel as numbers, nothing is copied
            to the device.
    """
    factors = _factors(scale_factor)
    if len(factors) == 1:
        return boxes / factors[0]
    columns = boxes.unflatten(-1, (-1, 4)).unbind(-1)
    return torch.stack([x / f for x, f in zip(columns, factors)], dim=-1).flatten(-2)


def boxes_to_network(boxes: Tensor, scale_factor: Scale) -> Tensor:
    """Boxes in original pixels to network pixels, see :func:`boxes_to_original`."""
    factors = _factors(scale_factor)
    if len(factors) == 1:
        return boxes * factors[0]
    columns = boxes.unflatten(-1, (-1, 4)).unbind(-1)
    return torch.stack([x * f for x, f in zip(columns, factors)], dim=-1).flatten(-2)


def _factors(scale_factor: Scale) -> list[float]:
    return np.asarray(scale_factor, float).reshape(-1).tolist()


def bbox_flip(bboxes: Tensor, img_shape: tuple) -> Tensor:
    """Flip boxes (..., 4 * k) left to right in an image (h, w, ...): ``w - x - 1``."""
    flipped = bboxes.clone()
    flipped[..., 0::4] = img_shape[1] - bboxes[..., 2::4] - 1
    flipped[..., 2::4] = img_shape[1] - bboxes[..., 0::4] - 1
    return flipped


def bbox_mapping(bboxes: Tensor, img_shape: tuple, scale_factor: float | Sequence[float],
                 flip: bool) -> Tensor:
    """Boxes (..., 4 * k) in original pixels to those of a view, which may be mirrored.

    Args:
        img_shape: (h, w, ...) of the view.
        scale_factor: network pixels per original pixel, see :func:`boxes_to_original`.
        flip: the view is mirrored left to right.
    """
    bboxes = boxes_to_network(bboxes, scale_factor)
    return bbox_flip(bboxes, img_shape) if flip else bboxes


def bbox_mapping_back(bboxes: Tensor, img_shape: tuple, scale_factor: float | Sequence[float],
                      flip: bool) -> Tensor:
    """Boxes in the pixels of a view to original pixels, the inverse of :func:`bbox_mapping`."""
    bboxes = bbox_flip(bboxes, img_shape) if flip else bboxes
    return boxes_to_original(bboxes, scale_factor)


def bbox2roi(bbox_list: Sequence[Tensor]) -> Tensor:
    """Put the boxes of N images into one table.

    Args:
        bbox_list: N tensors (n_i, 4 or more) xyxy...

    Returns:
        (sum n_i, 5): image index, x1, y1, x2, y2.
    """
    return torch.cat([
        F.pad(boxes[:, :4], (1, 0), value=i)
        for i, boxes in enumerate(bbox_list)])


def bbox2result(bboxes: Tensor, labels: Tensor, num_classes: int) -> list[np.ndarray]:
    """Detections as one array a class.

    Args:
        bboxes: (n, 5) x1, y1, x2, y2, score.
        labels: (n,) 0-based.
        num_classes: with background.

    Returns:
        ``num_classes - 1`` float32 arrays (n_c, 5).
    """
    boxes, classes = bboxes.cpu().numpy(), labels.cpu().numpy()
    return [boxes[classes == i] for i in range(num_classes - 1)]
