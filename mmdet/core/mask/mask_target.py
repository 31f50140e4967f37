"""What the mask head should predict."""
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor


def mask_targets(pos_bboxes: Sequence[Tensor], pos_assigned_gt_inds: Sequence[Tensor],
                 gt_masks: Sequence[Tensor | np.ndarray], mask_size: int) -> Tensor:
    """Crop the ground truth mask of every positive RoI and resize it.

    On a CPU OpenCV resizes, as in 2019. On another device the same bits are computed there,
    for all images at once and without a wait, in the integers of OpenCV's fixed-point code.

    Args:
        pos_bboxes: one (P_i, 4) xyxy tensor per image, network pixels.
        pos_assigned_gt_inds: one (P_i,) tensor per image, rows of ``gt_masks``.
        gt_masks: one uint8 (G_i, H, W) tensor or array of 0 and 1 per image.
        mask_size: side of the target.

    Returns:
        (sum P_i, mask_size, mask_size) float32 of 0 and 1 on the device of the boxes.

    Source: as the 2019 code: the box is truncated to integers, the uint8 crop
    resized bilinearly, which rounds to 0 or 1.
    """
    if not pos_bboxes[0].is_cpu:
        device = pos_bboxes[0].device
        masks = [torch.as_tensor(m).to(device, non_blocking=True) for m in gt_masks]
        return _sample(pos_bboxes, pos_assigned_gt_inds, masks, mask_size)
    targets = [
        _crop_and_resize(np.asarray(masks), boxes.detach().numpy().astype(np.int32),
                         inds.numpy(), mask_size)
        for boxes, inds, masks in zip(pos_bboxes, pos_assigned_gt_inds, gt_masks)]
    return torch.from_numpy(np.concatenate(targets)).float()


def _crop_and_resize(masks: np.ndarray, boxes: np.ndarray, inds: np.ndarray,
                     size: int) -> np.ndarray:
    targets = np.zeros((len(boxes), size, size), np.uint8)
    boxes = np.minimum(boxes, [masks.shape[2] - 1, masks.shape[1] - 1] * 2)
    for target, (x1, y1, x2, y2), i in zip(targets, boxes, inds):
        crop = masks[i, y1:max(y2, y1) + 1, x1:max(x2, x1) + 1]
        cv2.resize(crop, (size, size), dst=target, interpolation=cv2.INTER_LINEAR)
    return targets


ONE = 2048  # of the weights: 11 bits


def _sample(boxes: Sequence[Tensor], inds: Sequence[Tensor], masks: Sequence[Tensor],
            size: int) -> Tensor:
    """What OpenCV computes, for all masks laid one behind the other."""
    counts = [len(b) for b in boxes]
    starts = np.cumsum([0] + [m.numel() for m in masks]).tolist()
    start = torch.cat([i * (m.shape[1] * m.shape[2]) + s for i, m, s in zip(inds, masks, starts)])
    stride = torch.cat([torch.full_like(i, m.shape[2]) for i, m in zip(inds, masks)])
    corners = torch.cat([torch.stack([
        b[:, 0::2].clamp(max=m.shape[2] - 1), b[:, 1::2].clamp(max=m.shape[1] - 1)], dim=1)
        for b, m in zip(torch.cat([*boxes]).long().split(counts), masks)])  # (P, xy, ends)
    first, length = corners[..., 0], (corners[..., 1] - corners[..., 0]).clamp(min=0) + 1
    cols, u = _taps(length[:, 0], size, pad_weights=False)
    rows, v = _taps(length[:, 1], size, pad_weights=True)
    cols = cols + first[:, 0, None, None]
    rows = (rows + first[:, 1, None, None]) * stride[:, None, None]
    pixels = torch.cat([m.flatten() for m in masks])
    place = (start[:, None, None] + rows)[..., None, None] + cols[:, None, None]  # (P, y, 2, x, 2)
    lines = (pixels[place].int() * u[:, None, None]).sum(-1)
    return ((((lines >> 4) * v[..., None]) >> 16).sum(2) + 2 >> 2).float()


def _taps(length: Tensor, size: int, pad_weights: bool) -> tuple[Tensor, Tensor]:
    """Which two of ``length`` pixels each of ``size`` points lies between, and their weights.

    Args:
        length: (P,) int64.
        size: number of points.
        pad_weights: points beyond the border share their weight between equal pixels
            (OpenCV's rows); else one pixel has all of it (its columns).

    Returns:
        (P, size, 2) int64 pixels, (P, size, 2) int32 weights of sum ``ONE``.
    """
    points = torch.arange(size, device=length.device, dtype=torch.float64) + 0.5
    place = (points / (size / length[:, None].double()) - 0.5).float()
    low, end = place.floor(), length[:, None] - 1
    share = place - low
    if not pad_weights:
        share = share.masked_fill((low < 0) | (low >= end), 0)
    pixels = torch.stack([low, low + 1], dim=-1).long().clamp(min=0)
    weights = torch.stack([1 - share, share], dim=-1) * ONE
    return torch.minimum(pixels, end[..., None]), weights.round().int()
