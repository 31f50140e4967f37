"""What the mask head should predict."""
from typing import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor


def mask_targets(pos_bboxes: Sequence[Tensor], pos_assigned_gt_inds: Sequence[Tensor],
                 gt_masks: Sequence[Tensor | np.ndarray], mask_size: int) -> Tensor:
    """Crop the ground truth mask of every positive RoI and resize it.

    Args:
        pos_bboxes: one (P_i, 4) xyxy tensor an image, network pixels.
        pos_assigned_gt_inds: one (P_i,) tensor an image, rows of ``gt_masks``.
        gt_masks: one uint8 (G_i, H, W) tensor or array an image.
        mask_size: side of the target.

    Returns:
        (sum P_i, mask_size, mask_size) float32 of 0 and 1 on the device of the boxes.

    Source: as the 2019 code: the box is truncated to integers, the uint8 crop
    resized bilinearly, which rounds to 0 or 1.
    """
    targets = [
        _crop_and_resize(np.asarray(masks), boxes.detach().cpu().numpy().astype(np.int32),
                         inds.cpu().numpy(), mask_size)
        for boxes, inds, masks in zip(pos_bboxes, pos_assigned_gt_inds, gt_masks)]
    return torch.from_numpy(np.concatenate(targets)).to(pos_bboxes[0].device).float()


def _crop_and_resize(masks: np.ndarray, boxes: np.ndarray, inds: np.ndarray,
                     size: int) -> np.ndarray:
    targets = np.zeros((len(boxes), size, size), np.uint8)
    for target, (x1, y1, x2, y2), i in zip(targets, boxes, inds):
        crop = masks[i, y1:max(y2, y1) + 1, x1:max(x2, x1) + 1]
        cv2.resize(crop, (size, size), dst=target, interpolation=cv2.INTER_LINEAR)
    return targets
