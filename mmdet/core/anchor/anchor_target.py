"""What the anchors of an image should predict."""
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmdet.core.bbox import PseudoSampler, SamplingResult, bbox2delta, build_assigner, build_sampler
from mmdet.core.bbox.samplers import or_nones


@dataclass
class AnchorTargets:
    """Targets of the anchors that were sampled in one image (S of them, P positive).

    Attributes:
        inds: (S,) int64 into all anchors of the image, positives first.
        labels: (S,) int64: 0 background, else 1 (no ``gt_labels``) or the label.
        weights: (S,) float32 of the classification loss.
        deltas: (P, 4) float32, encoded ground truth of the positives.
    """
    inds: Tensor
    labels: Tensor
    weights: Tensor
    deltas: Tensor

    @property
    def num_pos(self) -> int:
        """P."""
        return len(self.deltas)


def anchor_inside_flags(anchors: Tensor, valid: Tensor, img_shape: tuple,
                        allowed_border: int = 0) -> Tensor:
    """Which anchors may train: on valid cells and inside the unpadded image.

    Args:
        anchors: (A, 4) xyxy in network pixels.
        valid: (A,) bool.
        img_shape: (h, w, ...) of the unpadded image.
        allowed_border: pixels an anchor may stick out; negative: any.

    Returns:
        (A,) bool.
    """
    if allowed_border < 0:
        return valid
    h, w = img_shape[:2]
    return (valid & (anchors[:, 0] >= -allowed_border) & (anchors[:, 1] >= -allowed_border)
            & (anchors[:, 2] < w + allowed_border) & (anchors[:, 3] < h + allowed_border))


def anchor_targets(anchors: Tensor, inside: Sequence[Tensor], gt_bboxes: Sequence[Tensor],
                   cfg: dict, means: Sequence[float] | Tensor, stds: Sequence[float] | Tensor,
                   gt_labels: Sequence[Tensor] | None = None,
                   sampling: bool = True) -> list[AnchorTargets]:
    """Assign ground truth to the anchors of every image and sample them.

    The host waits once for all images.

    Args:
        anchors: (A, 4) xyxy, all levels one after the other.
        inside: one (A,) bool tensor per image, see :func:`anchor_inside_flags`.
        gt_bboxes: one (G, 4) xyxy tensor per image in network pixels; G may be 0.
        cfg: ``assigner``, ``pos_weight`` and, for sampling, ``sampler``.
        means, stds: normalisation of the deltas.
        gt_labels: one (G,) tensor per image, 1-based; None where there is one class only.
        sampling: False: all anchors that were assigned train (focal loss, SSD).

    Source: as the 2019 code (crowd boxes are not excluded in the RPN).
    """
    assigner, num = build_assigner(cfg['assigner']), len(gt_bboxes)
    assigned = [assigner.assign(anchors, boxes, None, labels, usable) for boxes, labels, usable
                in zip(gt_bboxes, or_nones(gt_labels, num), inside)]
    sampler = build_sampler(cfg['sampler']) if sampling else PseudoSampler()
    samples = sampler.sample_images(assigned, [anchors] * num, gt_bboxes, gt_labels)
    return [_targets_of(sample, cfg['pos_weight'], means, stds) for sample in samples]


def _targets_of(sample: SamplingResult, pos_weight: float, means: Sequence[float] | Tensor,
                stds: Sequence[float] | Tensor) -> AnchorTargets:
    num_pos, num_neg = len(sample.pos_inds), len(sample.neg_inds)
    labels = torch.zeros(num_pos + num_neg, dtype=torch.long, device=sample.pos_inds.device)
    labels[:num_pos] = 1 if sample.pos_gt_labels is None else sample.pos_gt_labels
    weights = torch.ones_like(labels, dtype=torch.float32)
    if pos_weight > 0:
        weights[:num_pos] = pos_weight
    return AnchorTargets(
        inds=torch.cat([sample.pos_inds, sample.neg_inds]), labels=labels, weights=weights,
        deltas=bbox2delta(sample.pos_bboxes, sample.pos_gt_bboxes, means, stds))
