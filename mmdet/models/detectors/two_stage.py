"""Detectors that propose regions first and look at them second."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdet.core.bbox import (Detections, SamplingResult, assign_and_sample_images, bbox2result,
                             bbox2roi)
from mmdet.models import builder
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.registry import DETECTORS
from mmdet.utils.errors import BadValue


@DETECTORS.register_module
class TwoStageDetector(BaseDetector):
    """Backbone, neck, proposals, boxes.

    Args:
        backbone, rpn_head, bbox_roi_extractor, bbox_head, neck: configs of the parts.
        train_cfg, test_cfg: see :class:`BaseDetector`; training uses ``test_cfg.rpn``
            for its proposals.
        pretrained: weights of the backbone: path, URL, ``'torchvision://resnet50'``;
            None: random.
    """

    def __init__(self, backbone: dict, rpn_head: dict, bbox_roi_extractor: dict,
                 bbox_head: dict, train_cfg: dict | None, test_cfg: dict | None,
                 neck: dict | None = None, pretrained: str | None = None) -> None:
        super().__init__(train_cfg, test_cfg)
        self.backbone = builder.build_backbone(backbone)
        self.neck = nn.Identity() if neck is None else builder.build_neck(neck)
        self.rpn_head = builder.build_head(rpn_head)
        self.bbox_roi_extractor = builder.build_roi_extractor(bbox_roi_extractor)
        self.bbox_head = builder.build_head(bbox_head)
        self.init_weights(pretrained)

    def init_weights(self, pretrained: str | None = None) -> None:
        """Load the backbone or draw its weights, and draw those of all other parts."""
        self.backbone.init_weights(pretrained)
        for part in (self.neck, self.rpn_head, self.bbox_head):
            if hasattr(part, 'init_weights'):
                part.init_weights()

    def extract_feat(self, img: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images -> pyramid levels (N, C, H_l, W_l)."""
        return self.neck(self.backbone(img))

    def forward_train(self, img: Tensor, img_meta: list[dict], gt_bboxes: Sequence[Tensor],
                      gt_labels: Sequence[Tensor],
                      gt_bboxes_ignore: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """Losses of a batch, 0-d each.

        Args:
            img: (N, 3, H, W) normalised.
            img_meta: N dicts.
            gt_bboxes: N tensors (G_i, 4) xyxy in network pixels.
            gt_labels: N tensors (G_i,) int64, 1-based.
            gt_bboxes_ignore: N tensors (K_i, 4), crowds.
        """
        feats = self.extract_feat(img)
        losses, proposals = self.rpn_losses(feats, img_meta, gt_bboxes)
        samples = self.sample_rois(proposals, gt_bboxes, gt_labels, gt_bboxes_ignore)
        losses.update(self.bbox_losses(self.roi_feats(feats, samples), samples))
        return losses

    def rpn_losses(self, feats: tuple[Tensor, ...], img_meta: list[dict],
                   gt_bboxes: Sequence[Tensor]) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Losses of the RPN, summed over levels, and its proposals (n_i, 5)."""
        raw = self.rpn_head(feats)
        losses = self.rpn_head.loss(*raw, gt_bboxes, img_meta, self.train_cfg.rpn)
        proposals = self.rpn_head.get_proposals(*raw, img_meta, self.test_cfg.rpn)
        return {key: loss.sum() for key, loss in losses.items()}, proposals

    @torch.no_grad()
    def sample_rois(self, proposals: Sequence[Tensor], gt_bboxes: Sequence[Tensor],
                    gt_labels: Sequence[Tensor],
                    gt_bboxes_ignore: Sequence[Tensor] | None) -> list[SamplingResult]:
        """Assign the proposals of every image to its ground truth and draw from them."""
        return assign_and_sample_images(proposals, gt_bboxes, gt_bboxes_ignore, gt_labels,
                                        self.train_cfg.rcnn)

    def roi_feats(self, feats: tuple[Tensor, ...],
                  samples: Sequence[SamplingResult]) -> Tensor:
        """(R, C, 7, 7) features of all sampled RoIs, image by image, positives first."""
        return self.bbox_roi_extractor(feats, bbox2roi([s.bboxes for s in samples]))

    def bbox_losses(self, roi_feats: Tensor,
                    samples: Sequence[SamplingResult]) -> dict[str, Tensor]:
        """``loss_cls``, ``acc``, ``loss_reg``."""
        targets = self.bbox_head.get_targets(samples, self.train_cfg.rcnn)
        return self.bbox_head.loss(*self.bbox_head(roi_feats), targets)

    def detect_boxes(self, feats: tuple[Tensor, ...], img_meta: dict) -> Detections:
        """Detections in one image; the host waits three times."""
        proposals, = self.rpn_head.get_proposals(
            *self.rpn_head(feats), [img_meta], self.test_cfg.rpn)
        rois = bbox2roi([proposals])
        raw = self.bbox_head(self.bbox_roi_extractor(feats, rois))
        return self.bbox_head.get_detections(rois, *raw, img_meta, self.test_cfg.rcnn)

    @staticmethod
    def check_finite(feats: tuple[Tensor, ...], host: Detections, img_meta: dict) -> None:
        """Tell NaN from a frame without objects, for which the host waits once more.

        Args:
            feats: of the image.
            host: its detections in host memory.
            img_meta: ``filename`` or ``frame_id`` names the frame.

        Raises:
            ValueError: a score, embedding or, without detections, feature is NaN or infinite.
        """
        if host.are_finite() if len(host) else bool(host.finite & feats[-1].isfinite().all()):
            return
        name = img_meta.get('filename') or f'frame {img_meta.get("frame_id", "?")}'
        raise BadValue(f'{name}: the network gives NaN or infinity; the weights diverged or '
                       'numbers grew too large for half precision: use an earlier checkpoint, or '
                       'take fp16 out of the config')

    @torch.no_grad()
    def detect(self, img: Tensor, img_meta: dict) -> list:
        """Detect objects in one image.

        Args:
            img: (1, 3, H, W) normalised.
            img_meta: ``img_shape``, ``ori_shape``, ``scale_factor``.

        Returns:
            One float32 array (n_c, 5) per class in original pixels, without background.
        """
        feats = self.extract_feat(img)
        host = self.detect_boxes(feats, img_meta).cpu()
        self.check_finite(feats, host, img_meta)
        return self.by_class(host)

    def by_class(self, host: Detections) -> list:
        """Detections in host memory as one float32 array (n_c, 5) per class."""
        return bbox2result(torch.cat([host.boxes, host.scores[:, None]], dim=1), host.labels,
                           self.bbox_head.num_classes)
