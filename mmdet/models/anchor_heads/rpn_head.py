"""Region proposal network (arXiv:1506.01497)."""
from typing import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.bbox import delta2bbox
from mmdet.ops import batched_nms, nms

from ..registry import HEADS
from .anchor_head import AnchorHead


@HEADS.register_module
class RPNHead(AnchorHead):
    """Score every anchor as object or background and propose boxes.

    Args:
        in_channels: of the levels.
        kwargs: see :class:`AnchorHead`.
    """

    def __init__(self, in_channels: int, **kwargs) -> None:
        super().__init__(2, in_channels, **kwargs)

    def _init_layers(self) -> None:
        self.rpn_conv = nn.Conv2d(self.in_channels, self.feat_channels, 3, padding=1)
        self.rpn_cls = nn.Conv2d(
            self.feat_channels, self.num_anchors * self.cls_out_channels, 1)
        self.rpn_reg = nn.Conv2d(self.feat_channels, self.num_anchors * 4, 1)

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One level (N, C, H, W) -> scores (N, A * K, H, W), deltas (N, A * 4, H, W)."""
        x = F.relu(self.rpn_conv(x), inplace=True)
        return self.rpn_cls(x), self.rpn_reg(x)

    def loss(self, cls_scores: Sequence[Tensor], bbox_preds: Sequence[Tensor],
             gt_bboxes: Sequence[Tensor], img_metas: Sequence[dict],
             cfg: dict) -> dict[str, Tensor]:
        """``loss_rpn_cls`` and ``loss_rpn_reg``, one number a level; see :class:`AnchorHead`."""
        losses = super().loss(cls_scores, bbox_preds, gt_bboxes, img_metas, cfg)
        return dict(loss_rpn_cls=losses['loss_cls'], loss_rpn_reg=losses['loss_reg'])

    @torch.no_grad()
    def get_proposals(self, cls_scores: Sequence[Tensor], bbox_preds: Sequence[Tensor],
                      img_metas: Sequence[dict], cfg: dict) -> list[Tensor]:
        """Turn raw predictions into proposals.

        Args:
            cls_scores, bbox_preds: output of :meth:`forward`.
            img_metas: with ``img_shape``, to which boxes are clipped.
            cfg: ``nms_pre`` boxes a level go into NMS at ``nms_thr``, ``nms_post`` a
                level come out, ``max_num`` an image are kept; ``min_bbox_size`` in
                pixels; ``nms_across_levels``: suppress over levels too.

        Returns:
            One (n_i, 5) tensor an image: xyxy in network pixels, score; best first.
        """
        anchors = self.anchors(cls_scores)
        return [
            self._propose([x[i] for x in cls_scores], [x[i] for x in bbox_preds],
                          anchors, meta['img_shape'], cfg)
            for i, meta in enumerate(img_metas)]

    def _propose(self, cls_scores: list[Tensor], bbox_preds: list[Tensor],
                 anchors: list[Tensor], img_shape: tuple, cfg: dict) -> Tensor:
        """Proposals of one image from maps (A * K, H, W) and (A * 4, H, W)."""
        picked = [self._top_anchors(*level, cfg['nms_pre'])
                  for level in zip(cls_scores, bbox_preds, anchors)]
        scores, deltas, base = (torch.cat(x) for x in zip(*picked))
        levels = torch.cat([
            torch.full_like(s, i, dtype=torch.long) for i, (s, _, _) in enumerate(picked)])
        boxes = delta2bbox(base, deltas, self.target_means, self.target_stds, img_shape)
        if cfg['min_bbox_size'] > 0:
            large = ((boxes[:, 2:] - boxes[:, :2] + 1) >= cfg['min_bbox_size']).all(1)
            boxes, scores, levels = boxes[large], scores[large], levels[large]
        keep = batched_nms(boxes, scores, levels, cfg['nms_thr'])
        keep = _first_of_each_level(keep, levels[keep], cfg['nms_post'])
        proposals = torch.cat([boxes[keep], scores[keep, None]], dim=1)
        if cfg['nms_across_levels']:
            return nms(proposals, cfg['nms_thr'])[0][:cfg['max_num']]
        best = proposals[:, 4].topk(min(cfg['max_num'], len(proposals)))[1]
        return proposals[best]

    def _top_anchors(self, cls_score: Tensor, bbox_pred: Tensor, anchors: Tensor,
                     num: int) -> tuple[Tensor, Tensor, Tensor]:
        """Scores (k,), deltas (k, 4) and anchors (k, 4) of the ``num`` best of a level."""
        logits = cls_score.permute(1, 2, 0).reshape(-1, self.cls_out_channels).float()
        deltas = bbox_pred.permute(1, 2, 0).reshape(-1, 4).float()
        scores = (logits.sigmoid().squeeze(1) if self.use_sigmoid_cls
                  else logits.softmax(1)[:, 1])
        if 0 < num < len(scores):
            scores, top = scores.topk(num)
            deltas, anchors = deltas[top], anchors[top]
        if scores.is_cpu:
            order = _order_of_2019(scores)
            scores, deltas, anchors = scores[order], deltas[order], anchors[order]
        return scores, deltas, anchors


def _order_of_2019(scores: Tensor) -> Tensor:
    """Order of falling scores in which equal ones stand as the 2019 NMS visited them.

    Sigmoids of confident anchors saturate, so equal scores are common and decide
    which of two overlapping proposals survives. The 2019 code sorted with NumPy's
    ``argsort()[::-1]``; its heap sort gives that order on every machine. Suppression
    keeps the given order of equal scores.
    """
    order = np.argsort(scores.numpy(), kind='heapsort')[::-1]
    return torch.from_numpy(order.copy())


def _first_of_each_level(keep: Tensor, levels: Tensor, num: int) -> Tensor:
    """Level by level the first ``num``; ``keep`` and ``levels`` (k,) come sorted by score."""
    order = levels.argsort(stable=True)
    counts = torch.bincount(levels)
    rank = torch.arange(len(order), device=order.device) - (
        counts.cumsum(0) - counts)[levels[order]]
    return keep[order[rank < num]]
