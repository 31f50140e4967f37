"""Which ground truth does a box belong to?"""
from dataclasses import dataclass

import torch
from torch import Tensor

from mmdet.core.bbox.geometry import bbox_overlaps
from mmdet.core.bbox.registry import ASSIGNERS
from mmdet.utils.errors import BadValue


@dataclass
class AssignResult:
    """The assignment of n boxes to G ground truths.

    Attributes:
        gt_inds: (n,) int64: -1 ignored, 0 background, i + 1 ground truth i.
        max_overlaps: (n,) largest IoU with a ground truth (0 if there is none).
        labels: (n,) int64, label of the ground truth, 0 where background; None
            without labels.
        losses: (n,) classification loss, where a sampler chooses by it.
    """
    gt_inds: Tensor
    max_overlaps: Tensor
    labels: Tensor | None = None
    losses: Tensor | None = None

    def add_gt(self, gt_labels: Tensor | None, num_gts: int) -> 'AssignResult':
        """The same with the ground truths themselves put in front, each its own match.

        Raises:
            ValueError: boxes were assigned with labels, and here come none.
        """
        own = torch.arange(1, num_gts + 1, device=self.gt_inds.device)
        labels = self.labels
        if labels is not None:
            if gt_labels is None:
                raise BadValue('sampling: the boxes were assigned with gt_labels and are sampled '
                               'without; hand the same to both')
            labels = torch.cat([gt_labels, labels])
        overlaps = torch.cat([self.max_overlaps.new_ones(num_gts), self.max_overlaps])
        return AssignResult(torch.cat([own, self.gt_inds]), overlaps, labels)


@ASSIGNERS.register_module
class MaxIoUAssigner:
    """Assign every box to the ground truth it overlaps most.

    Args:
        pos_iou_thr: at least this IoU makes a box positive.
        neg_iou_thr: less than this makes it background; a pair (low, high) means
            low <= IoU < high.
        min_pos_iou: a ground truth also takes its best boxes if they reach this.
        gt_max_assign_all: it takes all of its best boxes, not only the first.
        ignore_iof_thr: boxes covered more than this by a crowd are ignored;
            not positive: off.
    """

    def __init__(self, pos_iou_thr: float, neg_iou_thr: float | tuple[float, float],
                 min_pos_iou: float = .0, gt_max_assign_all: bool = True,
                 ignore_iof_thr: float = -1) -> None:
        self.pos_iou_thr = pos_iou_thr
        self.neg_iou_thr = neg_iou_thr
        self.min_pos_iou = min_pos_iou
        self.gt_max_assign_all = gt_max_assign_all
        self.ignore_iof_thr = ignore_iof_thr

    def assign(self, bboxes: Tensor, gt_bboxes: Tensor,
               gt_bboxes_ignore: Tensor | None = None,
               gt_labels: Tensor | None = None, usable: Tensor | None = None) -> AssignResult:
        """Assign boxes to ground truths; either may be empty.

        Args:
            bboxes: (n, 4 or 5) xyxy.
            gt_bboxes: (G, 4) xyxy.
            gt_bboxes_ignore: (K, 4) crowds.
            gt_labels: (G,) 1-based.
            usable: (n,) bool, the others are ignored as if they were not there.
        """
        overlaps = bbox_overlaps(gt_bboxes, bboxes[:, :4])
        if usable is not None:
            overlaps = overlaps.masked_fill(~usable, -1)
        result = self.assign_wrt_overlaps(overlaps, gt_labels)
        if usable is not None:
            result.gt_inds.masked_fill_(~usable, -1)
        if (self.ignore_iof_thr > 0 and gt_bboxes_ignore is not None
                and gt_bboxes_ignore.numel() and bboxes.numel()):
            covered = bbox_overlaps(bboxes[:, :4], gt_bboxes_ignore, mode='iof').max(1)[0]
            result.gt_inds.masked_fill_(covered > self.ignore_iof_thr, -1)
        return result

    def assign_wrt_overlaps(self, overlaps: Tensor,
                            gt_labels: Tensor | None = None) -> AssignResult:
        """The same from (G, n) overlaps."""
        num_gts, n = overlaps.shape
        if overlaps.numel() == 0:
            gt_inds = torch.zeros(n, dtype=torch.long, device=overlaps.device)
            labels = None if gt_labels is None else torch.zeros_like(gt_inds)
            return AssignResult(gt_inds, overlaps.new_zeros(n), labels)
        max_overlaps, best_gt = overlaps.max(dim=0)
        low, high = (self.neg_iou_thr if isinstance(self.neg_iou_thr, (tuple, list))
                     else (0, self.neg_iou_thr))
        gt_inds = torch.full_like(best_gt, -1)
        gt_inds.masked_fill_((max_overlaps >= low) & (max_overlaps < high), 0)
        gt_inds = torch.where(max_overlaps >= self.pos_iou_thr, best_gt + 1, gt_inds)
        gt_inds = self._best_of_each_gt(overlaps, gt_inds)
        labels = None
        if gt_labels is not None:
            labels = torch.where(gt_inds > 0, gt_labels[(gt_inds - 1).clamp(min=0)], 0)
        return AssignResult(gt_inds, max_overlaps, labels)

    def _best_of_each_gt(self, overlaps: Tensor, gt_inds: Tensor) -> Tensor:
        """Give every ground truth its best boxes; the last ground truth wins a tie."""
        best, first = overlaps.max(dim=1)
        if self.gt_max_assign_all:
            claims = overlaps == best[:, None]
        else:
            claims = torch.zeros_like(overlaps, dtype=torch.bool).scatter_(1, first[:, None], True)
        claims &= (best >= self.min_pos_iou)[:, None]
        order = torch.arange(1, len(overlaps) + 1, device=overlaps.device)
        claimed_by = (claims * order[:, None]).amax(dim=0)
        return torch.where(claimed_by > 0, claimed_by, gt_inds)
