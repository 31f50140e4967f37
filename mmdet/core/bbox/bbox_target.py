"""What the box head should predict for the sampled RoIs."""
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmdet.core.bbox.samplers import SamplingResult
from mmdet.core.bbox.transforms import bbox2delta
from mmdet.utils.errors import BadValue


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


def bbox_targets(samples: Sequence[SamplingResult], means: Sequence[float] | Tensor,
                 stds: Sequence[float] | Tensor, pos_weight: float = -1) -> BBoxTargets:
    """Targets of a batch from the samples of its images.

    Args:
        samples: one entry per image.
        means, stds: normalisation of the deltas.
        pos_weight: weight of positives in the classification loss; not
            positive: 1.

    Raises:
        ValueError: an image was sampled without labels.
    """
    parts, rows, start = [], [], 0
    for s in samples:
        if s.pos_gt_labels is None:
            raise BadValue('box targets: the samples have no labels; assign them with gt_labels')
        num_pos = len(s.pos_bboxes)
        parts += [s.pos_gt_labels, s.pos_gt_labels.new_zeros(len(s.neg_bboxes))]
        rows.append(torch.arange(start, start + num_pos, device=s.pos_inds.device))
        start += num_pos + len(s.neg_bboxes)
    labels, pos_inds = torch.cat(parts), torch.cat(rows)
    weights = torch.ones_like(labels, dtype=torch.float32)
    if pos_weight > 0:
        weights[pos_inds] = pos_weight
    deltas = bbox2delta(torch.cat([s.pos_bboxes for s in samples]),
                        torch.cat([s.pos_gt_bboxes for s in samples]), means, stds)
    return BBoxTargets(labels, weights, pos_inds, deltas)
