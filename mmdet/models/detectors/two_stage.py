"""Detectors that propose regions first and look at them second."""
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmdet.core.bbox import Detections, bbox2roi
from mmdet.core.post_processing import merge_aug_bboxes, merge_aug_masks
from mmdet.models import builder
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.detectors.proposals import (RPN_TEST_KEYS, RPN_TRAIN_KEYS, merged_proposals,
                                              view_proposals)
from mmdet.models.detectors.roi_stage import GroundTruth, LookedAt, RoIStage
from mmdet.models.detectors.view import View
from mmdet.models.registry import DETECTORS
from mmdet.utils.errors import BadValue

RCNN_TRAIN_KEYS = ('assigner', 'sampler', 'mask_size', 'pos_weight', 'debug')
RCNN_TEST_KEYS = ('score_thr', 'nms', 'max_per_img', 'mask_thr_binary')


@DETECTORS.register_module
class TwoStageDetector(BaseDetector):
    """Backbone, neck, proposals, boxes and, where the config has them, masks.

    Args:
        backbone, bbox_roi_extractor, bbox_head, neck: configs of the parts.
        train_cfg, test_cfg: see :class:`BaseDetector`; training uses ``test_cfg.rpn``
            for its proposals.
        rpn_head: config; None in :class:`FastRCNN`, whose proposals come with the images.
        mask_roi_extractor, mask_head: configs; None: boxes only.
        pretrained: weights of the backbone: path, URL, ``'torchvision://resnet50'``;
            None: random.
    """
    train_keys = dict(rpn=RPN_TRAIN_KEYS, rcnn=RCNN_TRAIN_KEYS)
    test_keys = dict(rpn=RPN_TEST_KEYS, rcnn=RCNN_TEST_KEYS)
    proposes = True

    def __init__(self, backbone: dict, bbox_roi_extractor: dict, bbox_head: dict,
                 train_cfg: dict | None, test_cfg: dict | None,
                 neck: dict | Sequence[dict] | None = None, rpn_head: dict | None = None,
                 mask_roi_extractor: dict | None = None, mask_head: dict | None = None,
                 pretrained: str | None = None) -> None:
        super().__init__(backbone, neck, train_cfg, test_cfg)
        if self.proposes and rpn_head is None:
            raise BadValue(f'{type(self).__name__} needs an rpn_head; for proposals from a file '
                           'take the type FastRCNN')
        if (mask_head is None) != (mask_roi_extractor is None):
            raise BadValue(f'{type(self).__name__}: mask_head and mask_roi_extractor go together; '
                           'give both or none')
        self.rpn_head = None if rpn_head is None else builder.build_head(rpn_head)
        self.bbox_roi_extractor = self.build(builder.build_roi_extractor, bbox_roi_extractor)
        self.bbox_head = self.build(builder.build_head, bbox_head)
        self.mask_roi_extractor = self.build(builder.build_roi_extractor, mask_roi_extractor)
        self.mask_head = self.build(builder.build_head, mask_head)
        self.init_weights(pretrained)

    def build(self, build_part: Callable[[dict], nn.Module],
              cfg: dict | None) -> nn.Module | None:
        """A part of the second stage."""
        return None if cfg is None else build_part(cfg)

    @property
    def stages(self) -> list[RoIStage]:
        """How often regions are looked at, and with what."""
        return [RoIStage(self.bbox_roi_extractor, self.bbox_head, self.mask_roi_extractor,
                         self.mask_head, self.train_cfg and self.train_cfg.rcnn)]

    @property
    def num_classes(self) -> int:
        """With background."""
        return self.stages[-1].bbox_head.num_classes

    # Training.

    def forward_train(self, img: Tensor, img_meta: list[dict], gt_bboxes: Sequence[Tensor],
                      gt_labels: Sequence[Tensor],
                      gt_bboxes_ignore: Sequence[Tensor] | None = None,
                      gt_masks: Sequence[Tensor | np.ndarray] | None = None
                      ) -> dict[str, Tensor]:
        """Losses of a batch, 0-d each.

        Args:
            img: (N, 3, H, W) normalised.
            img_meta: N dicts.
            gt_bboxes, gt_labels, gt_bboxes_ignore, gt_masks: see :class:`GroundTruth`.
        """
        gt = GroundTruth(gt_bboxes, gt_labels, gt_bboxes_ignore, gt_masks)
        feats = self.extract_feat(img)
        losses, proposals = self.rpn_losses(feats, img_meta, gt)
        losses.update(self.roi_losses(feats, img_meta, gt, proposals)[0])
        return losses

    def rpn_losses(self, feats: tuple[Tensor, ...], img_meta: list[dict],
                   gt: GroundTruth) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Losses of the RPN, summed over levels, and its proposals (n_i, 5)."""
        raw = self.rpn_head(feats)
        losses = self.rpn_head.loss(*raw, gt.bboxes, img_meta, self.train_cfg.rpn)
        proposals = self.rpn_head.get_proposals(*raw, img_meta, self.test_cfg.rpn)
        return {key: loss.sum() for key, loss in losses.items()}, proposals

    def roi_losses(self, feats: tuple[Tensor, ...], img_meta: list[dict], gt: GroundTruth,
                   proposals: Sequence[Tensor]) -> tuple[dict[str, Tensor], LookedAt]:
        """Losses of boxes and masks, and the regions they are of."""
        stage, = self.stages
        return stage.losses(feats, gt, proposals)

    # Testing.

    @torch.no_grad()
    def detect(self, img: Tensor | Sequence[Tensor], img_meta: dict | Sequence[dict],
               proposals: Tensor | Sequence[Tensor] | None = None) -> list | tuple[list, list]:
        """Detect objects in one image, and segment them where there is a mask head.

        Args:
            img: (1, 3, H, W) normalised, or a list of flips and scales of the image.
            img_meta: ``img_shape``, ``ori_shape``, ``scale_factor``, ``flip``, or as many.
            proposals: (n, 4 or 5) in network pixels, or as many; None: from the RPN.

        Returns:
            One float32 array (n_c, 5) per class in original pixels, without background; with
            masks a tuple of that and of as many lists of n_c run-length codes.
        """
        views = self.views(img, img_meta)
        return self.result(views, self.detect_boxes(views, proposals))

    def detect_boxes(self, views: Sequence[View],
                     proposals: Tensor | Sequence[Tensor] | None = None) -> Detections:
        """Detections in one image; the host waits three times."""
        regions = self.propose(views, proposals)
        return self.merge([self.predict_boxes(*seen) for seen in zip(views, regions)], views)

    def propose(self, views: Sequence[View],
                proposals: Tensor | Sequence[Tensor] | None = None) -> list[Tensor]:
        """The same regions (n, 4 or 5) in the network pixels of every view."""
        if proposals is not None:
            first = proposals if isinstance(proposals, Tensor) else proposals[0]
            regions = views[0].to_original(first[:, :4])
        elif len(views) == 1:
            first = view_proposals(self.rpn_head, views[0], self.test_cfg.rpn)
        else:
            regions = merged_proposals(self.rpn_head, views, self.test_cfg.rpn)[:, :4]
        return [first] if len(views) == 1 else [view.to_network(regions) for view in views]

    def predict_boxes(self, view: View, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (n, 4 or 4 * K) in network pixels and scores (n, K) of the regions of a view."""
        stage, = self.stages
        rois = bbox2roi([regions])
        return stage.bbox_head.predict(rois, *stage.predict(view.feats, rois),
                                       view.meta['img_shape'])

    def merge(self, found: Sequence[tuple[Tensor, Tensor]],
              views: Sequence[View]) -> Detections:
        """Detections from what :meth:`predict_boxes` found in every view."""
        boxes, scores = merge_aug_bboxes(*zip(*found), [view.meta for view in views])
        return self.suppress(boxes, scores, self.test_cfg.rcnn)

    def result(self, views: Sequence[View], dets: Detections,
               stages: Sequence[RoIStage] | None = None) -> list | tuple[list, list]:
        """What :meth:`detect` returns; ``stages``: see :meth:`detect_masks`."""
        host = self.to_host(dets, views)
        if self.mask_head is None:
            return self.by_class(host)
        segms = [[] for _ in range(self.num_classes - 1)]
        masks = self.detect_masks(views, dets, host, stages)
        for label, mask in zip(host.labels.tolist(), masks):
            segms[label].append(mask)
        return self.by_class(host), segms

    def detect_masks(self, views: Sequence[View], dets: Detections, host: Detections,
                     stages: Sequence[RoIStage] | None = None) -> list[dict]:
        """One run-length code for each detection in an image; the host waits once.

        Args:
            host: ``dets`` in host memory.
            stages: whose masks are averaged; all by default.
        """
        if len(dets) == 0:
            return []
        return self.paste_masks(views, self.mask_probs(views, dets, stages), host)

    def mask_probs(self, views: Sequence[View], dets: Detections,
                   stages: Sequence[RoIStage] | None = None) -> Tensor:
        """(n, h, w) mask probabilities, the means over all views and ``stages``."""
        if len(dets) == 0:
            return dets.boxes.new_zeros((0, 1, 1))
        seen = [(view, stage) for view in views for stage in stages or self.stages]
        return merge_aug_masks(
            [stage.predict_masks(view.feats, view.to_network(dets.boxes), dets.labels)
             for view, stage in seen], [view.meta for view, _ in seen])

    def paste_masks(self, views: Sequence[View], probs: Tensor, host: Detections) -> list[dict]:
        """Run-length codes of (n, h, w) probabilities; ``host``: as in :meth:`detect_masks`."""
        boxes = host.boxes
        if len(views) == 1:  # as in 2019: to network pixels and back, which decides where it ends
            boxes = views[0].to_original(views[0].to_network(boxes))
        return self.stages[-1].mask_head.get_masks(
            probs, boxes, views[0].meta['ori_shape'], self.test_cfg.rcnn)
