"""Classify RoIs and refine their boxes."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.bbox import (BBoxTargets, Detections, SamplingResult, bbox_targets,
                             boxes_to_network, boxes_to_original, delta2bbox)
from mmdet.core.loss import accuracy, smooth_l1, weighted_cross_entropy
from mmdet.core.post_processing import multiclass_nms
from mmdet.models.registry import HEADS
from mmdet.utils.errors import BadValue


@HEADS.register_module
class BBoxHead(nn.Module):
    """The simplest box head: one fully connected layer for each task.

    Args:
        with_avg_pool: average the RoI feature before the layers.
        with_cls, with_reg: tasks.
        roi_feat_size: side of the RoI feature.
        in_channels: of the RoI feature.
        num_classes: with background.
        target_means, target_stds: normalisation of the deltas.
        reg_class_agnostic: one box a RoI instead of one a class.

    Raises:
        ValueError: neither task is asked for.
    """

    def __init__(self, with_avg_pool: bool = False, with_cls: bool = True,
                 with_reg: bool = True, roi_feat_size: int = 7, in_channels: int = 256,
                 num_classes: int = 81, target_means: Sequence[float] = (0., 0., 0., 0.),
                 target_stds: Sequence[float] = (0.1, 0.1, 0.2, 0.2),
                 reg_class_agnostic: bool = False) -> None:
        super().__init__()
        if not (with_cls or with_reg):
            raise BadValue('a box head classifies or regresses: set with_cls or with_reg')
        self.with_avg_pool, self.with_cls, self.with_reg = with_avg_pool, with_cls, with_reg
        self.roi_feat_size, self.in_channels = roi_feat_size, in_channels
        self.num_classes = num_classes
        for name, values in (('target_means', target_means), ('target_stds', target_stds)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)
        self.reg_class_agnostic = reg_class_agnostic
        if with_avg_pool:
            self.avg_pool = nn.AvgPool2d(roi_feat_size)
        dims = in_channels * (1 if with_avg_pool else roi_feat_size**2)
        self._init_predictors(dims, dims)

    def _init_predictors(self, cls_dims: int, reg_dims: int) -> None:
        if self.with_cls:
            self.fc_cls = nn.Linear(cls_dims, self.num_classes)
        if self.with_reg:
            boxes = 1 if self.reg_class_agnostic else self.num_classes
            self.fc_reg = nn.Linear(reg_dims, 4 * boxes)

    def init_weights(self) -> None:
        """Small normal weights, zero biases."""
        for name, std in (('fc_cls', 0.01), ('fc_reg', 0.001)):
            if hasattr(self, name):
                nn.init.normal_(getattr(self, name).weight, std=std)
                nn.init.zeros_(getattr(self, name).bias)

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """(R, C, s, s) RoI features -> logits (R, K) and deltas (R, 4 * K or 4)."""
        x = (self.avg_pool(x) if self.with_avg_pool else x).flatten(1)
        return (self.fc_cls(x) if self.with_cls else None,
                self.fc_reg(x) if self.with_reg else None)

    def get_targets(self, samples: Sequence[SamplingResult], cfg: dict) -> BBoxTargets:
        """Targets of a batch; ``cfg`` has ``pos_weight``."""
        return bbox_targets(samples, self.target_means, self.target_stds, cfg['pos_weight'])

    def loss(self, cls_score: Tensor | None, bbox_pred: Tensor | None,
             targets: BBoxTargets) -> dict[str, Tensor]:
        """Losses of R RoIs: ``loss_cls``, ``acc`` in percent, ``loss_reg``, 0-d each.

        The box loss is averaged over all RoIs, positive or not (as in 2019).
        """
        losses = {}
        if cls_score is not None:
            losses['loss_cls'] = weighted_cross_entropy(
                cls_score.float(), targets.labels, targets.label_weights)
            losses['acc'] = accuracy(cls_score, targets.labels)
        if bbox_pred is not None:
            boxes = bbox_pred.float().view(len(bbox_pred), bbox_pred.shape[1] // 4, 4)
            column = 0 if self.reg_class_agnostic else targets.labels[targets.pos_inds]
            losses['loss_reg'] = smooth_l1(
                boxes[targets.pos_inds, column],
                targets.pos_deltas).sum() / max(len(targets.labels), 1)
        return losses

    def get_detections(self, rois: Tensor, cls_score: Tensor, bbox_pred: Tensor | None,
                       img_meta: dict, cfg: dict) -> Detections:
        """Turn predictions for the RoIs of one image into detections.

        This is the place where boxes pass from network to original pixels
        (suppression already works on the latter, as in 2019).

        Args:
            rois: (R, 5) image index and xyxy in network pixels.
            cls_score, bbox_pred: output of :meth:`forward`.
            img_meta: ``img_shape``, to which boxes are clipped, and ``scale_factor``,
                network pixels per original pixel.
            cfg: ``score_thr``, ``nms``, ``max_per_img``.
        """
        scores = F.softmax(cls_score.float(), dim=1)
        boxes = rois[:, 1:]
        if bbox_pred is not None:
            boxes = delta2bbox(boxes, bbox_pred.float(), self.target_means,
                               self.target_stds, img_meta['img_shape'])
        scale = img_meta['scale_factor']
        dets, labels, rows = multiclass_nms(
            boxes_to_original(boxes, scale), scores, cfg['score_thr'], cfg['nms'],
            cfg['max_per_img'], return_inds=True)
        boxes = dets[:, :4]
        return Detections(boxes, boxes_to_network(boxes, scale), dets[:, 4], labels,
                          probs=scores[rows])
