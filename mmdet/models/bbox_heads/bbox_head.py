"""Classify RoIs and refine their boxes."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.bbox import BBoxTargets, SamplingResult, bbox_targets, clip_boxes, delta2bbox
from mmdet.core.host import true_indices
from mmdet.core.loss import accuracy, smooth_l1_loss, weighted_cross_entropy
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
            losses['loss_reg'] = smooth_l1_loss(
                boxes[targets.pos_inds, column], targets.pos_deltas,
                reduction='sum') / max(len(targets.labels), 1)
        return losses

    def predict(self, rois: Tensor, cls_score: Tensor, bbox_pred: Tensor | None,
                img_shape: tuple) -> tuple[Tensor, Tensor]:
        """Boxes and scores of the RoIs of one image, before any suppression.

        Args:
            rois: (R, 5) image index and xyxy in network pixels.
            cls_score, bbox_pred: output of :meth:`forward`.
            img_shape: (h, w, ...), to which boxes are clipped.

        Returns:
            (R, 4 or 4 * K) xyxy in network pixels and (R, K), background in column 0.
        """
        boxes = rois[:, 1:]
        if bbox_pred is not None:
            boxes = delta2bbox(boxes, bbox_pred.float(), self.target_means, self.target_stds,
                               img_shape)
        return boxes, F.softmax(cls_score.float(), dim=1)

    def regress_by_class(self, rois: Tensor, labels: Tensor, bbox_pred: Tensor,
                         img_meta: dict | None) -> Tensor:
        """Move RoIs by the deltas of their class.

        Args:
            rois: (R, 4) xyxy, or (R, 5) with the image index in front, network pixels.
            labels: (R,) int64, 0 is background.
            bbox_pred: (R, 4 or 4 * K) raw deltas.
            img_meta: ``img_shape``, to which boxes are clipped; None: not clipped.

        Returns:
            of the shape of ``rois``.
        """
        deltas = bbox_pred.float().view(len(bbox_pred), bbox_pred.shape[1] // 4, 4)
        column = 0 if self.reg_class_agnostic else labels
        row = torch.arange(len(deltas), device=deltas.device)
        boxes = delta2bbox(rois[:, -4:], deltas[row, column], self.target_means,
                           self.target_stds, img_meta and img_meta['img_shape'])
        return torch.cat([rois[:, :-4], boxes], dim=1)

    @torch.no_grad()
    def refine_bboxes(self, rois: Tensor, labels: Tensor, bbox_pred: Tensor,
                      pos_is_gts: Sequence[Tensor], img_metas: Sequence[dict]) -> list[Tensor]:
        """The boxes of a batch for the next stage of a cascade; the host waits once.

        Args:
            rois: (R, 5) image index and xyxy, image by image, positives first.
            labels, bbox_pred: see :meth:`regress_by_class`.
            pos_is_gts: one (P_i,) bool tensor per image: the positives that are ground
                truth, which every stage adds anew.
            img_metas: with ``img_shape``.

        Returns:
            One (n_i, 4) tensor per image.
        """
        boxes = self.regress_by_class(rois, labels, bbox_pred, None)[:, 1:]
        image = rois[:, 0].long()
        is_gt = torch.zeros_like(image, dtype=torch.bool)
        for i, flags in enumerate(pos_is_gts):
            first = (image < i).sum()
            is_gt[first + torch.arange(len(flags), device=image.device)] = flags
        kept = true_indices([(image == i) & ~is_gt for i in range(len(img_metas))])
        return [clip_boxes(boxes[rows], meta['img_shape']) for rows, meta in zip(kept, img_metas)]
