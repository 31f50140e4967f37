"""What the box head should predict for the sampled RoIs."""
from dataclasses import dataclass
from typing import Sequence

import torch
from torch import Tensor

from .samplers import SamplingResult
from .transforms import bbox2delta


@dataclass
class BBoxTargets:
    """Targets of R RoIs of a batch, image by image, positives first in each.

    Attributes:
        labels: (R,) int64, 0 is background.
        label_weights: (R,) float32.
        pos_inds: (P,) int64 rows of the positives.
        pos_deltas: (P, 4) float32.
    """
    labels: Tensor
    label_weights: Tensor
    pos_inds: Tensor
    pos_deltas: Tensor


def bbox_targets(samples: Sequence[SamplingResult], means: Sequence[float],
                 stds: Sequence[float], pos_weight: float = -1) -> BBoxTargets:
    """Targets of a batch from the samples of its images.

    Args:
        samples: one entry an image.
        means, stds: normalisation of the deltas.
        pos_weight: weight of positives in the classification loss; not
            positive: 1.
    """
    labels, is_pos = [], []
    for s in samples:
        background = s.pos_gt_labels.new_zeros(len(s.neg_bboxes))
        labels.append(torch.cat([s.pos_gt_labels, background]))
        is_pos += [torch.ones_like(s.pos_gt_labels, dtype=torch.bool), background.bool()]
    labels, pos_inds = torch.cat(labels), torch.cat(is_pos).nonzero().squeeze(1)
    weights = torch.ones_like(labels, dtype=torch.float32)
    if pos_weight > 0:
        weights[pos_inds] = pos_weight
    deltas = bbox2delta(torch.cat([s.pos_bboxes for s in samples]),
                        torch.cat([s.pos_gt_bboxes for s in samples]), means, stds)
    return BBoxTargets(labels, weights, pos_inds, deltas)
