"""Mask R-CNN (arXiv:1703.06870)."""
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmdet.core.bbox import Detections, SamplingResult, bbox2roi
from mmdet.models import builder
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.registry import DETECTORS


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

    def detect_masks(self, feats: tuple[Tensor, ...], dets: Detections, host: Detections,
                     img_meta: dict) -> list[dict]:
        """One run-length code for each detection in one image; ``host`` is ``dets.cpu()``."""
        if len(dets) == 0:
            return []
        mask_pred = self.mask_head(self.mask_roi_extractor(feats, bbox2roi([dets.boxes_net])))
        return self.mask_head.get_masks(mask_pred, dets, host, img_meta, self.test_cfg.rcnn)

    @torch.no_grad()
    def detect(self, img: Tensor, img_meta: dict) -> tuple[list, list]:
        """Detect and segment objects in one image.

        Args:
            img: (1, 3, H, W) normalised.
            img_meta: ``img_shape``, ``ori_shape``, ``scale_factor``.

        Returns:
            One float32 array (n_c, 5) per class in original pixels, without background, and
            as many lists of n_c run-length codes.
        """
        feats = self.extract_feat(img)
        dets = self.detect_boxes(feats, img_meta)
        host = dets.cpu()
        self.check_finite(feats, host, img_meta)
        masks = self.detect_masks(feats, dets, host, img_meta)
        segms = [[] for _ in range(self.bbox_head.num_classes - 1)]
        for label, mask in zip(host.labels.tolist(), masks):
            segms[label].append(mask)
        return self.by_class(host), segms
