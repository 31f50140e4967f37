"""Several views of one image, flipped or at other scales, merged into one answer.

Source: the ``merge_aug_*`` functions of the 2019 code.
"""
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmdet.core.bbox import bbox_mapping_back
from mmdet.ops import nms

Meta = dict | Sequence[dict]  # 2019 also passed the metas of a batch of one


def merge_aug_proposals(aug_proposals: Sequence[Tensor], img_metas: Sequence[Meta],
                        rpn_test_cfg: dict) -> Tensor:
    """Proposals of all views through one more NMS.

    Args:
        aug_proposals: one (n_i, 5) tensor a view, xyxy in its network pixels, score.
        img_metas: of the views: ``img_shape``, ``scale_factor``, ``flip``.
        rpn_test_cfg: ``nms_thr`` and ``max_num``.

    Returns:
        (n, 5) in original pixels, best first.
    """
    proposals = torch.cat([
        torch.cat([_to_original(rows[:, :4], meta), rows[:, 4:5]], dim=1)
        for rows, meta in zip(aug_proposals, img_metas)])
    return nms(proposals, rpn_test_cfg['nms_thr'], max_num=rpn_test_cfg['max_num'])[0]


def merge_aug_bboxes(aug_bboxes: Sequence[Tensor], aug_scores: Sequence[Tensor] | None,
                     img_metas: Sequence[Meta],
                     rcnn_test_cfg: dict | None = None) -> Tensor | tuple[Tensor, Tensor]:
    """Mean boxes, and mean scores, of the same regions seen in all views.

    Args:
        aug_bboxes: one (n, 4 * k) tensor a view, in its network pixels.
        aug_scores: one (n, C) tensor a view, or None.
        img_metas: as for :func:`merge_aug_proposals`.
        rcnn_test_cfg: not used, as in 2019.

    Returns:
        (n, 4 * k) in original pixels and (n, C), or the boxes alone without scores.
    """
    boxes = torch.stack([_to_original(rows, meta)
                         for rows, meta in zip(aug_bboxes, img_metas)]).mean(0)
    return boxes if aug_scores is None else (boxes, torch.stack(list(aug_scores)).mean(0))


def merge_aug_scores(aug_scores: Sequence[Tensor | np.ndarray]) -> Tensor | np.ndarray:
    """The mean of tensors or arrays of one shape."""
    merged = torch.stack([torch.as_tensor(scores) for scores in aug_scores]).mean(0)
    return merged if isinstance(aug_scores[0], Tensor) else merged.numpy()


def merge_aug_masks(aug_masks: Sequence[Tensor | np.ndarray], img_metas: Sequence[Meta],
                    rcnn_test_cfg: dict | None = None,
                    weights: Sequence[float] | None = None) -> Tensor | np.ndarray:
    """Mean masks of the same boxes seen in all views; mirrored ones are turned back.

    Args:
        aug_masks: one (n, ..., h, w) tensor or array a view.
        img_metas: of the views: ``flip``.
        rcnn_test_cfg: not used, as in 2019.
        weights: of the views; equal by default.
    """
    masks = torch.stack([
        mask.flip(-1) if _single(meta).get('flip') else mask
        for mask, meta in zip(map(torch.as_tensor, aug_masks), img_metas)])
    if weights is None:
        merged = masks.mean(0)
    else:
        shares = torch.as_tensor(weights, dtype=masks.dtype, device=masks.device)
        merged = torch.tensordot(shares / shares.sum(), masks, dims=1)
    return merged if isinstance(aug_masks[0], Tensor) else merged.numpy()


def _single(meta: Meta) -> dict:
    return meta if isinstance(meta, dict) else meta[0]


def _to_original(boxes: Tensor, meta: Meta) -> Tensor:
    meta = _single(meta)
    return bbox_mapping_back(boxes, meta['img_shape'], meta['scale_factor'],
                             meta.get('flip', False))
