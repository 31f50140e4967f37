"""Which of the assigned boxes train?"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mmdet.core.bbox.assigners import AssignResult
from mmdet.core.bbox.registry import SAMPLERS
from mmdet.core.host import rank_in_group, true_indices
from mmdet.utils.errors import BadValue

# Boxes (n_i, 4) and labels (n_i,) of every image -> the classification loss (n_i,) of each box.
Hardness = Callable[[Sequence[Tensor], Sequence[Tensor | None]], Sequence[Tensor]]


@dataclass
class SamplingResult:
    """P positive and Q negative boxes drawn for one image.

    Attributes:
        pos_inds, neg_inds: (P,), (Q,) int64 into the boxes sampled from (with
            the ground truths in front where they were added as proposals).
        pos_bboxes, neg_bboxes: (P, 4), (Q, 4) xyxy.
        pos_assigned_gt_inds: (P,) int64 row of the ground truth.
        pos_gt_bboxes: (P, 4).
        pos_gt_labels: (P,) 1-based, None without labels.
        pos_is_gt: (P,) bool, the box is a ground truth that was added as a proposal.
    """
    pos_inds: Tensor
    neg_inds: Tensor
    pos_bboxes: Tensor
    neg_bboxes: Tensor
    pos_assigned_gt_inds: Tensor
    pos_gt_bboxes: Tensor
    pos_gt_labels: Tensor | None
    pos_is_gt: Tensor

    @property
    def bboxes(self) -> Tensor:
        """(P + Q, 4), positives first."""
        return torch.cat([self.pos_bboxes, self.neg_bboxes])


def make_result(pos_inds: Tensor, neg_inds: Tensor, bboxes: Tensor, gt_bboxes: Tensor,
                assigned: AssignResult, num_added: int) -> SamplingResult:
    """Look everything up for the drawn indices; the first ``num_added`` boxes are added ones."""
    gt_inds = assigned.gt_inds[pos_inds] - 1
    return SamplingResult(
        pos_inds, neg_inds, bboxes[pos_inds], bboxes[neg_inds], gt_inds,
        gt_bboxes.view(-1, 4)[gt_inds],
        None if assigned.labels is None else assigned.labels[pos_inds], pos_inds < num_added)


def or_nones(values: Sequence[Tensor] | None, num: int) -> Sequence[Tensor | None]:
    """One entry per image: what there is, or ``num`` times None."""
    return values or [None] * num


def random_choice(inds: Tensor, num: int) -> Tensor:
    """``num`` different entries of a 1-d tensor, sorted; all if there are not more."""
    if len(inds) <= num:
        return inds
    drawn = torch.randperm(len(inds), device=inds.device)[:num]
    return inds[drawn].sort()[0]


def random_first(inds: Tensor, wanted: Tensor, num: int) -> Tensor:
    """``num`` different entries, sorted: at random among the wanted, then among the others.

    Args:
        inds: (n,) candidates.
        wanted: (n,) bool.
        num: not more than n.
    """
    keys = torch.rand(len(inds), device=inds.device) + wanted
    return inds[keys.topk(num)[1]].sort()[0]


@SAMPLERS.register_module
class RandomSampler:
    """Draw positives and negatives at random.

    Subclasses choose otherwise in ``sample_pos`` and ``sample_neg``.

    Args:
        num: boxes per image.
        pos_fraction: at most this part of ``num`` is positive.
        neg_pos_ub: at most this many negatives per positive; negative: no limit.
        add_gt_as_proposals: ground truths are candidates too.

    Attributes:
        mines: chooses by the losses of the candidates, which have to be computed for it.
    """
    mines = False

    def __init__(self, num: int, pos_fraction: float, neg_pos_ub: float = -1,
                 add_gt_as_proposals: bool = True) -> None:
        self.num = num
        self.pos_fraction = pos_fraction
        self.neg_pos_ub = neg_pos_ub
        self.add_gt_as_proposals = add_gt_as_proposals

    def sample(self, assigned: AssignResult, bboxes: Tensor, gt_bboxes: Tensor,
               gt_labels: Tensor | None = None) -> SamplingResult:
        """Draw from (n, 4 or more) boxes assigned to (G, 4) ground truths."""
        return self.sample_images([assigned], [bboxes], [gt_bboxes],
                                  None if gt_labels is None else [gt_labels])[0]

    def sample_images(self, assigned: Sequence[AssignResult], bboxes: Sequence[Tensor],
                      gt_bboxes: Sequence[Tensor], gt_labels: Sequence[Tensor] | None = None,
                      hardness: Hardness | None = None) -> list[SamplingResult]:
        """:meth:`sample` of a batch, one entry per image; the host waits once.

        Args:
            hardness: gives the losses of all candidates to a sampler that ``mines``.
        """
        bboxes, num_added = [boxes[:, :4] for boxes in bboxes], [0] * len(bboxes)
        if self.add_gt_as_proposals:
            num_added = [len(gt) for gt in gt_bboxes]
            bboxes = [torch.cat([gt, boxes]) for gt, boxes in zip(gt_bboxes, bboxes)]
            assigned = [a.add_gt(labels, num) for a, labels, num in zip(
                assigned, or_nones(gt_labels, len(bboxes)), num_added)]
        if self.mines:
            assigned = self._with_losses(assigned, bboxes, hardness)
        inds = true_indices([a.gt_inds > 0 for a in assigned] + [a.gt_inds == 0 for a in assigned])
        candidates = zip(inds[:len(bboxes)], inds[len(bboxes):])
        return [make_result(*self.draw(a, *found), boxes, gt, a, num) for a, found, boxes, gt, num
                in zip(assigned, candidates, bboxes, gt_bboxes, num_added)]

    def _with_losses(self, assigned: Sequence[AssignResult], bboxes: Sequence[Tensor],
                     hardness: Hardness | None) -> list[AssignResult]:
        if hardness is None:
            raise BadValue(f'{type(self).__name__} chooses by the losses of a box head and works '
                           'in train_cfg.rcnn alone; take a RandomSampler here')
        losses = hardness(bboxes, [a.labels for a in assigned])
        return [replace(a, losses=loss) for a, loss in zip(assigned, losses)]

    def draw(self, assigned: AssignResult, pos: Tensor, neg: Tensor) -> tuple[Tensor, Tensor]:
        """Choose among the indices of all positives and of all negatives of an image."""
        pos = self.sample_pos(assigned, pos, int(self.num * self.pos_fraction))
        num_neg = self.num - len(pos)
        if self.neg_pos_ub >= 0:
            num_neg = min(num_neg, int(self.neg_pos_ub * max(1, len(pos))))
        return pos, self.sample_neg(assigned, neg, num_neg)

    def sample_pos(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all positives."""
        return random_choice(candidates, num)

    def sample_neg(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all negatives."""
        return random_choice(candidates, num)


@SAMPLERS.register_module
class InstanceBalancedPosSampler(RandomSampler):
    """Draw about as many positives for every ground truth."""

    def sample_pos(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all positives."""
        if len(candidates) <= num:
            return candidates
        candidates = candidates[torch.randperm(len(candidates), device=candidates.device)]
        rank = rank_in_group(assigned.gt_inds[candidates])
        each = (num / (rank == 0).sum()).round() + 1
        return random_first(candidates, rank < each, num)


@SAMPLERS.register_module
class IoUBalancedNegSampler(RandomSampler):
    """Draw part of the negatives among those that overlap a ground truth.

    Args:
        hard_thr: a negative with at least this IoU is hard.
        hard_fraction: at most this part of the negatives is hard.
    """

    def __init__(self, num: int, pos_fraction: float, hard_thr: float = 0.1,
                 hard_fraction: float = 0.5, **kwargs: Any) -> None:
        super().__init__(num, pos_fraction, **kwargs)
        self.hard_thr = hard_thr
        self.hard_fraction = hard_fraction

    def sample_neg(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all negatives."""
        if len(candidates) <= num:
            return candidates
        candidates = candidates[torch.randperm(len(candidates), device=candidates.device)]
        hard = assigned.max_overlaps[candidates] >= self.hard_thr
        num_hard = hard.sum().clamp(max=int(num * self.hard_fraction))
        limit = torch.where(hard, num_hard, num - num_hard)
        return random_first(candidates, rank_in_group(hard.long()) < limit, num)


@SAMPLERS.register_module
class OHEMSampler(RandomSampler):
    """Take the candidates with the largest classification loss (arXiv:1604.03540)."""
    mines = True

    def sample_pos(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all positives."""
        return self._hardest(assigned, candidates, num)

    def sample_neg(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all negatives."""
        return self._hardest(assigned, candidates, num)

    def _hardest(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        if len(candidates) <= num:
            return candidates
        assert assigned.losses is not None, 'sample_images computes them for whoever mines'
        return candidates[assigned.losses[candidates].topk(num)[1]]


@SAMPLERS.register_module
class CombinedSampler(RandomSampler):
    """Draw positives with one sampler and negatives with another.

    Args:
        pos_sampler, neg_sampler: configs of samplers; ``num``, ``pos_fraction``,
            ``neg_pos_ub`` and ``add_gt_as_proposals`` are handed on.
    """

    def __init__(self, pos_sampler: dict, neg_sampler: dict, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pos_sampler = SAMPLERS.build(pos_sampler, **kwargs)
        self.neg_sampler = SAMPLERS.build(neg_sampler, **kwargs)
        self.mines = self.pos_sampler.mines or self.neg_sampler.mines

    def sample_pos(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all positives."""
        return self.pos_sampler.sample_pos(assigned, candidates, num)

    def sample_neg(self, assigned: AssignResult, candidates: Tensor, num: int) -> Tensor:
        """At most ``num`` of the indices of all negatives."""
        return self.neg_sampler.sample_neg(assigned, candidates, num)


@SAMPLERS.register_module
class PseudoSampler(RandomSampler):
    """Take every assigned box (for losses that weigh by themselves)."""

    def __init__(self) -> None:
        super().__init__(num=0, pos_fraction=0, add_gt_as_proposals=False)

    def draw(self, assigned: AssignResult, pos: Tensor, neg: Tensor) -> tuple[Tensor, Tensor]:
        """All positives and negatives of an image."""
        return pos, neg
