"""The head of SSD (arXiv:1512.02325)."""
from collections.abc import Iterator, Sequence

import torch
from mmengine.model import xavier_init
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.anchor import AnchorGenerator, AnchorTargets
from mmdet.core.loss import smooth_l1_loss
from mmdet.models.anchor_heads.anchor_head import AnchorHead
from mmdet.models.registry import HEADS
from mmdet.utils.errors import BadValue

# Sides of the anchors of the first level in percent of the input, as in the paper, by the
# input and the smallest of the other levels.
FIRST_SIDES = {(300, 15): (7, 15), (300, 20): (10, 20), (512, 10): (4, 10), (512, 15): (7, 15)}


@HEADS.register_module
class SSDHead(AnchorHead):
    """One 3x3 convolution for each task on every level; levels differ in their anchors.

    Args:
        input_size: 300 or 512, side of the images in pixels.
        num_classes: with background.
        in_channels: of every level.
        anchor_strides: pixels a cell, level by level.
        basesize_ratio_range: smallest and largest anchor side as parts of the input, from
            the second level on.
        anchor_ratios: of every level; each r stands for 1 / r too, and 1 is there anyway.
        target_means, target_stds: normalisation of the deltas.

    Raises:
        ValueError: sizes of the first level are not known for these numbers.
    """

    def __init__(self, input_size: int = 300, num_classes: int = 81,
                 in_channels: Sequence[int] = (512, 1024, 512, 256, 256, 256),
                 anchor_strides: Sequence[int] = (8, 16, 32, 64, 100, 300),
                 basesize_ratio_range: Sequence[float] = (0.1, 0.9),
                 anchor_ratios: Sequence[Sequence[float]] = ([2], [2, 3], [2, 3], [2, 3], [2], [2]),
                 target_means: Sequence[float] = (.0, .0, .0, .0),
                 target_stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0)) -> None:
        counts = [len(in_channels), len(anchor_strides), len(anchor_ratios)]
        if len({*counts}) > 1 or counts[0] < 3:
            raise BadValue('SSDHead: in_channels, anchor_strides and anchor_ratios have '
                           f'{", ".join(map(str, counts))} entries; give one a level, three levels '
                           'or more')
        min_sizes, max_sizes = anchor_sizes(input_size, basesize_ratio_range, len(in_channels))
        super().__init__(
            num_classes, in_channels, anchor_strides=anchor_strides, anchor_base_sizes=min_sizes,
            anchor_scales=[(1., (large / small)**0.5)
                           for small, large in zip(min_sizes, max_sizes)],
            anchor_ratios=[[1., *(r for ratio in ratios for r in (1 / ratio, ratio))]
                           for ratios in anchor_ratios],
            target_means=target_means, target_stds=target_stds)
        self.sampling = False  # the losses choose the negatives

    def _make_generators(self, base_sizes: Sequence[int], scales: Sequence[Sequence[float]],
                         ratios: Sequence[Sequence[float]]) -> nn.ModuleList:
        """Anchors of both scales as squares and of the smaller one in the other ratios."""
        generators = nn.ModuleList()
        for base, stride, level_scales, level_ratios in zip(
                base_sizes, self.anchor_strides, scales, ratios):
            generator = AnchorGenerator(base, level_scales, level_ratios, scale_major=False,
                                        ctr=((stride - 1) / 2, (stride - 1) / 2))
            num = len(level_ratios)
            generator.base_anchors = generator.base_anchors[[0, num, *range(1, num)]]
            generators.append(generator)
        return generators

    def _init_layers(self) -> None:
        counts = [generator.num_base_anchors for generator in self.anchor_generators]
        self.reg_convs, self.cls_convs = (
            nn.ModuleList(nn.Conv2d(channels, count * outs, 3, padding=1)
                          for channels, count in zip(self.in_channels, counts))
            for outs in (4, self.cls_out_channels))

    def init_weights(self) -> None:
        """Xavier weights, zero biases."""
        for module in (*self.reg_convs, *self.cls_convs):
            xavier_init(module, distribution='uniform')

    def forward(self, feats: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Levels -> raw scores and raw deltas of every level."""
        return ([conv(x) for conv, x in zip(self.cls_convs, feats)],
                [conv(x) for conv, x in zip(self.reg_convs, feats)])

    def loss(self, cls_scores: Sequence[Tensor], bbox_preds: Sequence[Tensor],
             gt_bboxes: Sequence[Tensor], img_metas: Sequence[dict], cfg: dict,
             gt_labels: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """Losses of all positives and of the hardest negatives.

        Args:
            cfg: ``assigner``, ``allowed_border``, ``pos_weight``, ``smoothl1_beta``,
                ``neg_pos_ratio``: so many negatives per positive.
            others: see :class:`AnchorHead`.

        Returns:
            ``loss_cls`` and ``loss_reg``, (N,) each: one number per image, over the
            positives of the batch.
        """
        targets = self.get_targets(cls_scores, gt_bboxes, img_metas, cfg, gt_labels)
        total = sum(max(t.num_pos, 1) for t in targets)
        logits = self.flatten(cls_scores, self.cls_out_channels).float()
        deltas = self.flatten(bbox_preds, 4).float()
        return dict(
            loss_cls=torch.stack([self._cls_loss(*image, cfg)
                                  for image in zip(logits, targets)]) / total,
            loss_reg=torch.stack([
                smooth_l1_loss(row[t.inds[:t.num_pos]], t.deltas, cfg['smoothl1_beta'], 'sum')
                for row, t in zip(deltas, targets)]) / total)

    def _cls_loss(self, logits: Tensor, targets: AnchorTargets, cfg: dict) -> Tensor:
        """Summed loss of the (A, K) logits of an image."""
        losses = F.cross_entropy(logits[targets.inds], targets.labels, reduction='none')
        losses = losses * targets.weights
        pos, neg = losses[:targets.num_pos], losses[targets.num_pos:]
        num_neg = min(int(cfg['neg_pos_ratio'] * len(pos)), len(neg))
        return pos.sum() + neg.topk(num_neg)[0].sum()


def anchor_sizes(input_size: int, ratio_range: Sequence[float],
                 num_levels: int) -> tuple[list[int], list[int]]:
    """The smaller and the larger side of the square anchors of every level, in pixels.

    Source: the paper's appendix as the 2019 code rounds it: whole percents, down.

    Raises:
        ValueError: the first level is not known for these numbers.
    """
    low, high = (int(ratio * 100) for ratio in ratio_range)
    if (input_size, low) not in FIRST_SIDES:
        known = ', '.join(f'{size} with {ratio / 100}' for size, ratio in FIRST_SIDES)
        raise BadValue('SSDHead: the anchors of the first level are known for input_size and the '
                       f'start of basesize_ratio_range {known}; got {input_size} with '
                       f'{ratio_range[0]}')
    step = (high - low) // (num_levels - 2)
    percents = [FIRST_SIDES[input_size, low], *_ranges(low, high, step)]
    return tuple([input_size * side // 100 for side in sides] for sides in zip(*percents))


def _ranges(low: int, high: int, step: int) -> Iterator[tuple[int, int]]:
    return ((start, start + step) for start in range(low, high + 1, step))
