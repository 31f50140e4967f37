"""What heads on anchors share: the anchors, their targets, their losses, their candidates."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.anchor import AnchorGenerator, AnchorTargets, anchor_inside_flags, anchor_targets
from mmdet.core.bbox import delta2bbox
from mmdet.core.loss import one_hot, sigmoid_focal_loss, smooth_l1_loss
from mmdet.models.registry import HEADS
from mmdet.utils.errors import BadValue


@HEADS.register_module
class AnchorHead(nn.Module):
    """Classify and regress the anchors of every cell of every level.

    Args:
        num_classes: with background.
        in_channels: of the levels.
        feat_channels: of the hidden layers.
        anchor_scales, anchor_ratios: A = scales x ratios anchors a cell.
        anchor_strides: pixels a cell, level by level.
        anchor_base_sizes: sides that scales act on; the strides by default.
        target_means, target_stds: normalisation of the deltas.
        use_sigmoid_cls: binary classifiers instead of a softmax with background.
        use_focal_loss: all anchors train, the easy ones hardly (arXiv:1708.02002).

    Raises:
        ValueError: focal loss on a softmax, which 2019 did not have either.
    """

    def __init__(self, num_classes: int, in_channels: int, feat_channels: int = 256,
                 anchor_scales: Sequence[float] = (8, 16, 32),
                 anchor_ratios: Sequence[float] = (0.5, 1.0, 2.0),
                 anchor_strides: Sequence[int] = (4, 8, 16, 32, 64),
                 anchor_base_sizes: Sequence[int] | None = None,
                 target_means: Sequence[float] = (.0, .0, .0, .0),
                 target_stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
                 use_sigmoid_cls: bool = False, use_focal_loss: bool = False) -> None:
        super().__init__()
        if use_focal_loss and not use_sigmoid_cls:
            raise BadValue(f'{type(self).__name__}: the focal loss is one of binary classifiers; '
                           'set use_sigmoid_cls=True')
        self.in_channels, self.feat_channels = in_channels, feat_channels
        self.num_classes = num_classes
        self.anchor_strides = list(anchor_strides)
        for name, values in (('target_means', target_means), ('target_stds', target_stds)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)
        self.use_sigmoid_cls, self.use_focal_loss = use_sigmoid_cls, use_focal_loss
        self.sampling = not use_focal_loss
        self.cls_out_channels = num_classes - 1 if use_sigmoid_cls else num_classes
        self.anchor_generators = self._make_generators(
            anchor_base_sizes or anchor_strides, anchor_scales, anchor_ratios)
        self._init_layers()

    def _make_generators(self, base_sizes: Sequence[int], scales: Sequence[float],
                         ratios: Sequence[float]) -> nn.ModuleList:
        """One generator a level."""
        return nn.ModuleList(AnchorGenerator(base, scales, ratios) for base in base_sizes)

    @property
    def num_anchors(self) -> int:
        """A, anchors a cell."""
        return self.anchor_generators[0].num_base_anchors

    def _init_layers(self) -> None:
        self.conv_cls = nn.Conv2d(
            self.feat_channels, self.num_anchors * self.cls_out_channels, 1)
        self.conv_reg = nn.Conv2d(self.feat_channels, self.num_anchors * 4, 1)

    def init_weights(self) -> None:
        """Normal weights of deviation 0.01, zero biases."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One level (N, C, H, W) -> scores (N, A * K, H, W), deltas (N, A * 4, H, W)."""
        return self.conv_cls(x), self.conv_reg(x)

    def forward(self, feats: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Levels -> raw scores and raw deltas of every level."""
        outs = [self.forward_single(x) for x in feats]
        return [cls for cls, _ in outs], [reg for _, reg in outs]

    def anchors(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The anchors (H_l * W_l * A, 4) of every level."""
        return [generator.grid_anchors(x.shape[-2:], stride) for generator, stride, x in zip(
            self.anchor_generators, self.anchor_strides, maps)]

    def valid_flags(self, maps: Sequence[Tensor], pad_shape: tuple) -> Tensor:
        """Anchors on cells of one image, (total,) bool: a batch may be padded further."""
        flags = []
        for generator, stride, x in zip(self.anchor_generators, self.anchor_strides, maps):
            size = x.shape[-2:]
            covered = tuple(min(-(-pad_shape[i] // stride), size[i]) for i in range(2))
            flags.append(generator.valid_flags(size, covered))
        return torch.cat(flags)

    def flatten(self, maps: Sequence[Tensor], channels: int) -> Tensor:
        """Raw maps of all levels -> (N, total anchors, channels), in the order of the anchors."""
        return torch.cat([
            x.permute(0, 2, 3, 1).reshape(len(x), -1, channels) for x in maps], dim=1)

    # Training.

    def get_targets(self, maps: Sequence[Tensor], gt_bboxes: Sequence[Tensor],
                    img_metas: Sequence[dict], cfg: dict,
                    gt_labels: Sequence[Tensor] | None = None) -> list[AnchorTargets]:
        """Targets of every image, see :func:`mmdet.core.anchor.anchor_targets`."""
        anchors = torch.cat(self.anchors(maps))
        inside = [anchor_inside_flags(anchors, self.valid_flags(maps, meta['pad_shape']),
                                      meta['img_shape'], cfg['allowed_border'])
                  for meta in img_metas]
        return anchor_targets(anchors, inside, gt_bboxes, cfg, self.target_means,
                              self.target_stds, gt_labels, self.sampling)

    def loss(self, cls_scores: Sequence[Tensor], bbox_preds: Sequence[Tensor],
             gt_bboxes: Sequence[Tensor], img_metas: Sequence[dict], cfg: dict,
             gt_labels: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            cls_scores, bbox_preds: output of :meth:`forward`.
            gt_bboxes: one (G_i, 4) tensor per image, network pixels.
            img_metas: with ``img_shape`` and ``pad_shape``.
            cfg: ``assigner``, ``allowed_border``, ``pos_weight``, ``smoothl1_beta``;
                ``sampler``, or for the focal loss ``gamma`` and ``alpha``.
            gt_labels: one (G_i,) tensor per image; None: one class.

        Returns:
            ``loss_cls`` and ``loss_reg``, (L,) each: one number per level.
        """
        targets = self.get_targets(cls_scores, gt_bboxes, img_metas, cfg, gt_labels)
        total = self._num_samples(targets)
        logits = self.flatten(cls_scores, self.cls_out_channels).flatten(0, 1)
        deltas = self.flatten(bbox_preds, 4).flatten(0, 1)
        level = self._levels(cls_scores)
        rows = [t.inds + i * len(level) for i, t in enumerate(targets)]
        pos_rows = torch.cat([row[:t.num_pos] for row, t in zip(rows, targets)])
        rows = torch.cat(rows)
        loss_cls = self._cls_losses(
            logits[rows].float(), torch.cat([t.labels for t in targets]), cfg) * torch.cat(
            [t.weights for t in targets])
        loss_reg = smooth_l1_loss(deltas[pos_rows].float(), torch.cat([t.deltas for t in targets]),
                                  cfg['smoothl1_beta'], 'none').sum(1)
        zeros = loss_cls.new_zeros(len(cls_scores))
        return dict(
            loss_cls=zeros.index_add(0, level[rows % len(level)], loss_cls) / total,
            loss_reg=zeros.index_add(0, level[pos_rows % len(level)], loss_reg) / total)

    def _num_samples(self, targets: Sequence[AnchorTargets]) -> int:
        """What losses are divided by: samples; positives where the focal loss weighs the rest.

        As in 2019 an image without positives (negatives) counts as one.
        """
        pos = sum(max(t.num_pos, 1) for t in targets)
        if self.use_focal_loss:
            return pos
        return pos + sum(max(len(t.inds) - t.num_pos, 1) for t in targets)

    def _cls_losses(self, logits: Tensor, labels: Tensor, cfg: dict) -> Tensor:
        """(S, K) logits and (S,) labels -> (S,) losses."""
        if not self.use_sigmoid_cls:
            return F.cross_entropy(logits, labels, reduction='none')
        targets = one_hot(labels, self.cls_out_channels)
        if self.use_focal_loss:
            return sigmoid_focal_loss(logits, targets, gamma=cfg['gamma'], alpha=cfg['alpha'],
                                      reduction='none').sum(1)
        return F.binary_cross_entropy_with_logits(
            logits, targets.to(logits.dtype), reduction='none').sum(1)

    def _levels(self, maps: Sequence[Tensor]) -> Tensor:
        """(total anchors,) int64, the level of every anchor."""
        return torch.cat([
            torch.full((x.shape[-2] * x.shape[-1] * generator.num_base_anchors,), i,
                       device=x.device)
            for i, (x, generator) in enumerate(zip(maps, self.anchor_generators))])

    # Testing.

    def get_candidates(self, cls_scores: Sequence[Tensor], bbox_preds: Sequence[Tensor],
                       img_meta: dict, cfg: dict) -> tuple[Tensor, Tensor]:
        """Boxes of one image and their scores, before any suppression.

        Args:
            cls_scores, bbox_preds: output of :meth:`forward` for one image.
            img_meta: ``img_shape``, to which boxes are clipped.
            cfg: ``nms_pre``: so many anchors per level, the best; absent or not positive: all.

        Returns:
            (n, 4) xyxy in network pixels and (n, num_classes), background in column 0.
        """
        picked = [self.best_anchors(*level, cfg.get('nms_pre', -1))
                  for level in zip(cls_scores, bbox_preds, self.anchors(cls_scores))]
        scores, deltas, anchors = (torch.cat(x, dim=1).squeeze(0) for x in zip(*picked))
        boxes = delta2bbox(anchors, deltas, self.target_means, self.target_stds,
                           img_meta['img_shape'])
        return boxes, F.pad(scores, (1, 0))

    def best_anchors(self, cls_score: Tensor, bbox_pred: Tensor, anchors: Tensor,
                     num: int) -> tuple[Tensor, Tensor, Tensor]:
        """The anchors of a level with the best score of any class.

        Args:
            cls_score, bbox_pred: raw maps of the level, (N, A * K, H, W), (N, A * 4, H, W).
            anchors: (H * W * A, 4).
            num: how many; not positive: all.

        Returns:
            scores (N, k, num_classes - 1), without background, deltas (N, k, 4) and anchors
            (N, k, 4), in the order of the anchors.
        """
        logits = self.flatten([cls_score], self.cls_out_channels).float()
        deltas = self.flatten([bbox_pred], 4).float()
        scores = logits.sigmoid() if self.use_sigmoid_cls else logits.softmax(2)[..., 1:]
        if not 0 < num < scores.shape[1]:
            return scores, deltas, anchors.expand_as(deltas)
        # in the order of the anchors, which decides between equal scores
        top = scores.amax(2).topk(num)[1].sort()[0]
        return (scores.gather(1, top[..., None].expand(-1, -1, scores.shape[2])),
                deltas.gather(1, top[..., None].expand(-1, -1, 4)), anchors[top])
