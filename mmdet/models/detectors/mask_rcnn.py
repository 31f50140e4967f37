"""Mask R-CNN (arXiv:1703.06870)."""
from typing import Sequence

import numpy as np
import torch
from torch import Tensor

from mmdet.core.bbox import SamplingResult, bbox2result, bbox2roi

from .. import builder
from ..registry import DETECTORS
from .two_stage import TwoStageDetector


@DETECTORS.register_module
class MaskRCNN(TwoStageDetector):
    """Faster R-CNN with a mask for every box.

    Args:
        mask_roi_extractor, mask_head: configs of the parts.
        kwargs: see :class:`TwoStageDetector`.
    """

    def __init__(self, mask_roi_extractor: dict, mask_head: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.mask_roi_extractor = builder.build_roi_extractor(mask_roi_extractor)
        self.mask_head = builder.build_head(mask_head)
        self.mask_head.init_weights()

    def forward_train(self, img: Tensor, img_meta: list[dict], gt_bboxes: Sequence[Tensor],
                      gt_labels: Sequence[Tensor], gt_masks: Sequence[Tensor | np.ndarray],
                      gt_bboxes_ignore: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """Losses of a batch, 0-d each.

        Args:
            gt_masks: N uint8 tensors or arrays (G_i, H, W) in network pixels.
            others: see :class:`TwoStageDetector`.
        """
        feats = self.extract_feat(img)
        losses, proposals = self.rpn_losses(feats, img_meta, gt_bboxes)
        samples = self.sample_rois(proposals, gt_bboxes, gt_labels, gt_bboxes_ignore)
        losses.update(self.bbox_losses(self.roi_feats(feats, samples), samples))
        losses.update(self.mask_losses(feats, samples, gt_masks))
        return losses

    def mask_losses(self, feats: tuple[Tensor, ...], samples: Sequence[SamplingResult],
                    gt_masks: Sequence[Tensor | np.ndarray]) -> dict[str, Tensor]:
        """``loss_mask`` of the positive RoIs."""
        targets = self.mask_head.get_targets(samples, gt_masks, self.train_cfg.rcnn)
        rois = bbox2roi([s.pos_bboxes for s in samples])
        mask_pred = self.mask_head(self.mask_roi_extractor(feats, rois))
        return self.mask_head.loss(
            mask_pred, targets, torch.cat([s.pos_gt_labels for s in samples]))

    def detect_masks(self, feats: tuple[Tensor, ...], dets: Tensor, labels: Tensor,
                     img_meta: dict, rescale: bool = True) -> list[dict]:
        """One run-length code for each of (n, 5) detections in one image."""
        if len(dets) == 0:
            return []
        scale = img_meta['scale_factor']
        boxes_net = dets[:, :4] * scale if rescale else dets[:, :4]
        mask_pred = self.mask_head(self.mask_roi_extractor(feats, bbox2roi([boxes_net])))
        return self.mask_head.get_masks(mask_pred, boxes_net, labels, self.test_cfg.rcnn,
                                        img_meta['ori_shape'], scale, rescale)

    @torch.no_grad()
    def detect(self, img: Tensor, img_meta: dict, rescale: bool = True) -> tuple[list, list]:
        """Detect and segment objects in one image.

        Args:
            img: (1, 3, H, W) normalised.
            img_meta: ``img_shape``, ``ori_shape``, ``scale_factor``.
            rescale: results in original pixels, else in network pixels.

        Returns:
            One float32 array (n_c, 5) a class, and as many lists of n_c run-length codes.
        """
        feats = self.extract_feat(img)
        dets, labels = self.detect_boxes(feats, img_meta, rescale)
        masks = self.detect_masks(feats, dets, labels, img_meta, rescale)
        num_classes = self.bbox_head.num_classes
        segms = [[] for _ in range(num_classes - 1)]
        for label, mask in zip(labels.tolist(), masks):
            segms[label].append(mask)
        return bbox2result(dets, labels, num_classes), segms
