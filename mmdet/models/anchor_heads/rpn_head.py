"""Region proposal network (arXiv:1506.01497)."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdet.core.bbox import clip_boxes, delta2bbox
from mmdet.core.host import rank_in_group, split_groups, true_indices
from mmdet.models.anchor_heads.anchor_head import AnchorHead
from mmdet.models.registry import HEADS
from mmdet.ops import batched_nms


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
        self.relu = nn.ReLU(inplace=True)
        self.rpn_cls = nn.Conv2d(
            self.feat_channels, self.num_anchors * self.cls_out_channels, 1)
        self.rpn_reg = nn.Conv2d(self.feat_channels, self.num_anchors * 4, 1)

    def conv_relus(self) -> list[tuple[str, str]]:
        """The hidden convolution and its ReLU, by name."""
        return [('rpn_conv', 'relu')]

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One level (N, C, H, W) -> scores (N, A * K, H, W), deltas (N, A * 4, H, W)."""
        x = self.relu(self.rpn_conv(x))
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
        """Turn raw predictions into proposals; the host waits for all images at once.

        Args:
            cls_scores, bbox_preds: output of :meth:`forward`.
            img_metas: with ``img_shape``, to which boxes are clipped.
            cfg: ``nms_pre`` boxes per level go into NMS at ``nms_thr``, ``nms_post`` per
                level come out, ``max_num`` per image are kept; ``min_bbox_size`` in
                pixels; ``nms_across_levels``: suppress over levels too.

        Returns:
            One (n_i, 5) tensor per image: xyxy in network pixels, score; best first.
        """
        boxes, scores, image, group = self.candidates(cls_scores, bbox_preds, img_metas, cfg)
        keep = batched_nms(boxes, scores, group, cfg['nms_thr'])
        if not 0 < cfg['nms_pre'] <= cfg['nms_post']:
            keep = keep[true_indices([rank_in_group(group[keep]) < cfg['nms_post']])[0]]
        if cfg['nms_across_levels']:
            keep = keep[batched_nms(boxes[keep], scores[keep], image[keep], cfg['nms_thr'])]
        proposals = torch.cat([boxes[keep], scores[keep, None]], dim=1)
        images = split_groups(proposals, image[keep], len(img_metas))
        return [rows[:cfg['max_num']] for rows in images]

    def candidates(self, cls_scores: Sequence[Tensor], bbox_preds: Sequence[Tensor],
                   img_metas: Sequence[dict], cfg: dict) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What goes into NMS: boxes (k, 4), scores (k,), image (k,), image and level (k,)."""
        picked = [self.best_anchors(*level, cfg['nms_pre'])
                  for level in zip(cls_scores, bbox_preds, self.anchors(cls_scores))]
        scores, deltas, base = (torch.cat(x, dim=1) for x in zip(*picked))
        scores = scores.squeeze(2)
        boxes = delta2bbox(base.flatten(0, 1), deltas.flatten(0, 1), self.target_means,
                           self.target_stds).view_as(deltas)
        boxes = torch.cat([clip_boxes(b, meta['img_shape']) for b, meta in zip(boxes, img_metas)])
        if cfg['min_bbox_size'] > 0:
            small = (boxes[:, 2:] - boxes[:, :2] + 1 < cfg['min_bbox_size']).any(1)
            scores = scores.masked_fill(small.view_as(scores), float('nan'))  # NMS keeps no NaN
        image = torch.arange(len(scores), device=scores.device)[:, None].expand_as(scores)
        level = torch.cat([torch.full_like(s[..., 0], i, dtype=torch.long)
                           for i, (s, _, _) in enumerate(picked)], dim=1)
        return boxes, scores.flatten(), image.flatten(), (image * len(picked) + level).flatten()
