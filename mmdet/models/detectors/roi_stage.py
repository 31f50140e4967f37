"""The second stage of a two-stage detector: a look at regions."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmdet.core.bbox import SamplingResult, assign_and_sample_images, bbox2roi
from mmdet.core.loss import weighted_cross_entropy
from mmdet.utils.errors import BadType


class GroundTruth(NamedTuple):
    """What is annotated in N images, one entry each.

    Attributes:
        bboxes: (G_i, 4) xyxy in network pixels.
        labels: (G_i,) int64, 1-based.
        bboxes_ignore: (K_i, 4), crowds; None: there are none.
        masks: uint8 tensors or arrays (G_i, H, W) in network pixels; None where no masks train.
    """
    bboxes: Sequence[Tensor]
    labels: Sequence[Tensor]
    bboxes_ignore: Sequence[Tensor] | None = None
    masks: Sequence[Tensor | np.ndarray] | None = None


class LookedAt(NamedTuple):
    """The R regions of a batch that trained a stage.

    Attributes:
        samples: of every image.
        rois: (R, 5) image index and xyxy, image by image, positives first.
        feats: (R, C, 7, 7).
        labels: (R,) int64, 0 is background.
        bbox_pred: (R, 4 or 4 * K) raw deltas.
    """
    samples: list[SamplingResult]
    rois: Tensor
    feats: Tensor
    labels: Tensor
    bbox_pred: Tensor


class RoIStage(NamedTuple):
    """Parts of a detector that look at regions together; they stay the detector's.

    Attributes:
        bbox_roi_extractor, bbox_head: classify and refine.
        mask_roi_extractor, mask_head: segment; None without masks.
        train_cfg: ``assigner``, ``sampler``, ``pos_weight`` and ``mask_size``.
    """
    bbox_roi_extractor: nn.Module
    bbox_head: nn.Module
    mask_roi_extractor: nn.Module | None
    mask_head: nn.Module | None
    train_cfg: dict | None

    # Training.

    def losses(self, feats: tuple[Tensor, ...], gt: GroundTruth,
               proposals: Sequence[Tensor]) -> tuple[dict[str, Tensor], LookedAt]:
        """``loss_cls``, ``acc``, ``loss_reg`` and ``loss_mask``, 0-d, and what they are of."""
        samples = self.sample(feats, gt, proposals)
        rois = bbox2roi([s.bboxes for s in samples])
        roi_feats = self.bbox_roi_extractor(feats, rois)
        cls_score, bbox_pred = self.bbox_head(roi_feats)
        targets = self.bbox_head.get_targets(samples, self.train_cfg)
        losses = self.bbox_head.loss(cls_score, bbox_pred, targets)
        if self.mask_head is not None:
            losses.update(self.mask_losses(feats, gt, samples))
        return losses, LookedAt(samples, rois, roi_feats, targets.labels, bbox_pred)

    @torch.no_grad()
    def sample(self, feats: tuple[Tensor, ...], gt: GroundTruth,
               proposals: Sequence[Tensor]) -> list[SamplingResult]:
        """Assign the proposals of every image to its ground truth and draw from them."""
        return assign_and_sample_images(
            proposals, gt.bboxes, gt.bboxes_ignore, gt.labels, self.train_cfg,
            lambda boxes, labels: self.hardness(feats, boxes, labels))

    def hardness(self, feats: tuple[Tensor, ...], boxes: Sequence[Tensor],
                 labels: Sequence[Tensor]) -> Sequence[Tensor]:
        """Classification loss (n_i,) of every candidate, which OHEM chooses by."""
        cls_score, _ = self.predict(feats, bbox2roi(boxes))
        losses = weighted_cross_entropy(cls_score.float(), torch.cat(list(labels)), reduce=False)
        return losses.split([len(b) for b in boxes])

    def mask_losses(self, feats: tuple[Tensor, ...], gt: GroundTruth,
                    samples: Sequence[SamplingResult]) -> dict[str, Tensor]:
        """``loss_mask`` of the positives."""
        if gt.masks is None:
            raise BadType('the detector has a mask_head, but the batch has no "gt_masks"; set '
                          'with_mask=True in data.train')
        targets = self.mask_head.get_targets(samples, gt.masks, self.train_cfg)
        rois = bbox2roi([s.pos_bboxes for s in samples])
        mask_pred = self.mask_head(self.mask_roi_extractor(feats, rois))
        return self.mask_head.loss(
            mask_pred, targets, torch.cat([s.pos_gt_labels for s in samples]))

    # Testing.

    def predict(self, feats: tuple[Tensor, ...], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Raw scores (R, K) and deltas (R, 4 or 4 * K) of (R, 5) regions."""
        return self.bbox_head(self.bbox_roi_extractor(feats, rois))

    def predict_masks(self, feats: tuple[Tensor, ...], boxes_net: Tensor,
                      labels: Tensor) -> Tensor:
        """Mask probabilities (n, h, w) of (n, 4) boxes with (n,) 0-based labels in one image."""
        mask_pred = self.mask_head(self.mask_roi_extractor(feats, bbox2roi([boxes_net])))
        return self.mask_head.probabilities(mask_pred, labels)
