"""What the anchors of an image should predict."""
from dataclasses import dataclass

import torch
from torch import Tensor

from ..bbox import assign_and_sample, bbox2delta


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
        return self.deltas.shape[0]


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


def anchor_targets(anchors: Tensor, valid: Tensor, gt_bboxes: Tensor, img_shape: tuple,
                   cfg: dict, means: list, stds: list,
                   gt_labels: Tensor | None = None) -> AnchorTargets:
    """Assign ground truth to the anchors of one image and sample them.

    Args:
        anchors: (A, 4) xyxy, all levels one after the other.
        valid: (A,) bool, see :func:`anchor_inside_flags`.
        gt_bboxes: (G, 4) xyxy in network pixels; G may be 0.
        img_shape: (h, w, ...) of the unpadded image.
        cfg: ``assigner``, ``sampler``, ``allowed_border``, ``pos_weight``.
        means, stds: normalisation of the deltas.
        gt_labels: (G,) 1-based, or None where there is one class only.

    Source: as the 2019 code (crowd boxes are not excluded in the RPN).
    """
    inside = anchor_inside_flags(
        anchors, valid, img_shape, cfg['allowed_border']).nonzero().squeeze(1)
    _, samples = assign_and_sample(
        anchors[inside], gt_bboxes, None, gt_labels, cfg)
    num_pos = samples.pos_inds.numel()
    labels = torch.zeros(num_pos + samples.neg_inds.numel(),
                         dtype=torch.long, device=anchors.device)
    labels[:num_pos] = 1 if gt_labels is None else samples.pos_gt_labels
    weights = torch.ones_like(labels, dtype=torch.float32)
    if cfg['pos_weight'] > 0:
        weights[:num_pos] = cfg['pos_weight']
    return AnchorTargets(
        inds=inside[torch.cat([samples.pos_inds, samples.neg_inds])],
        labels=labels,
        weights=weights,
        deltas=bbox2delta(samples.pos_bboxes, samples.pos_gt_bboxes, means, stds))
