"""Which of the assigned boxes train?"""
from dataclasses import dataclass

import torch
from torch import Tensor

from .assigners import AssignResult
from .registry import SAMPLERS


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
    """
    pos_inds: Tensor
    neg_inds: Tensor
    pos_bboxes: Tensor
    neg_bboxes: Tensor
    pos_assigned_gt_inds: Tensor
    pos_gt_bboxes: Tensor
    pos_gt_labels: Tensor | None

    @property
    def bboxes(self) -> Tensor:
        """(P + Q, 4), positives first."""
        return torch.cat([self.pos_bboxes, self.neg_bboxes])


def make_result(pos_inds: Tensor, neg_inds: Tensor, bboxes: Tensor, gt_bboxes: Tensor,
                assigned: AssignResult) -> SamplingResult:
    """Look everything up for the drawn indices."""
    gt_inds = assigned.gt_inds[pos_inds] - 1
    return SamplingResult(
        pos_inds, neg_inds, bboxes[pos_inds], bboxes[neg_inds], gt_inds,
        gt_bboxes.view(-1, 4)[gt_inds],
        None if assigned.labels is None else assigned.labels[pos_inds])


def random_choice(inds: Tensor, num: int) -> Tensor:
    """``num`` different entries of a 1-d tensor, sorted; all if there are not more."""
    if len(inds) <= num:
        return inds
    drawn = torch.randperm(len(inds), device=inds.device)[:num]
    return inds[drawn].sort()[0]


@SAMPLERS.register_module
class RandomSampler:
    """Draw positives and negatives at random.

    Args:
        num: boxes an image.
        pos_fraction: at most this part of ``num`` is positive.
        neg_pos_ub: at most this many negatives a positive; negative: no limit.
        add_gt_as_proposals: ground truths are candidates too.
    """

    def __init__(self, num: int, pos_fraction: float, neg_pos_ub: float = -1,
                 add_gt_as_proposals: bool = True) -> None:
        self.num = num
        self.pos_fraction = pos_fraction
        self.neg_pos_ub = neg_pos_ub
        self.add_gt_as_proposals = add_gt_as_proposals

    def sample(self, assigned: AssignResult, bboxes: Tensor, gt_bboxes: Tensor,
               gt_labels: Tensor | None = None) -> SamplingResult:
        """Draw from (n, 4 or more) boxes assigned to (G, 4) ground truths."""
        bboxes = bboxes[:, :4]
        if self.add_gt_as_proposals:
            bboxes = torch.cat([gt_bboxes, bboxes])
            assigned = assigned.add_gt(gt_labels, len(gt_bboxes))
        pos_inds = self.sample_pos(assigned, int(self.num * self.pos_fraction))
        num_neg = self.num - len(pos_inds)
        if self.neg_pos_ub >= 0:
            num_neg = min(num_neg, int(self.neg_pos_ub * max(1, len(pos_inds))))
        neg_inds = self.sample_neg(assigned, num_neg)
        return make_result(pos_inds, neg_inds, bboxes, gt_bboxes, assigned)

    def sample_pos(self, assigned: AssignResult, num: int) -> Tensor:
        """Indices of at most ``num`` positives."""
        return random_choice((assigned.gt_inds > 0).nonzero().squeeze(1), num)

    def sample_neg(self, assigned: AssignResult, num: int) -> Tensor:
        """Indices of at most ``num`` negatives."""
        return random_choice((assigned.gt_inds == 0).nonzero().squeeze(1), num)


def _fill_up(drawn: Tensor, candidates: Tensor, num: int) -> Tensor:
    """Add random further candidates until there are ``num``."""
    rest = candidates[~torch.isin(candidates, drawn)]
    extra = random_choice(rest, num - len(drawn))
    return torch.cat([drawn, extra]).sort()[0]


@SAMPLERS.register_module
class InstanceBalancedPosSampler(RandomSampler):
    """Draw about as many positives for every ground truth."""

    def sample_pos(self, assigned: AssignResult, num: int) -> Tensor:
        """Indices of at most ``num`` positives."""
        candidates = (assigned.gt_inds > 0).nonzero().squeeze(1)
        if len(candidates) <= num:
            return candidates
        gts = assigned.gt_inds[candidates].unique()
        each = int(round(num / float(len(gts))) + 1)
        drawn = torch.cat([
            random_choice((assigned.gt_inds == gt).nonzero().squeeze(1), each)
            for gt in gts])
        if len(drawn) > num:
            return random_choice(drawn, num)
        return _fill_up(drawn, candidates, num)


@SAMPLERS.register_module
class IoUBalancedNegSampler(RandomSampler):
    """Draw part of the negatives among those that overlap a ground truth.

    Args:
        hard_thr: a negative with at least this IoU is hard.
        hard_fraction: at most this part of the negatives is hard.
    """

    def __init__(self, num: int, pos_fraction: float, hard_thr: float = 0.1,
                 hard_fraction: float = 0.5, **kwargs) -> None:
        super().__init__(num, pos_fraction, **kwargs)
        self.hard_thr = hard_thr
        self.hard_fraction = hard_fraction

    def sample_neg(self, assigned: AssignResult, num: int) -> Tensor:
        """Indices of at most ``num`` negatives."""
        candidates = (assigned.gt_inds == 0).nonzero().squeeze(1)
        if len(candidates) <= num:
            return candidates
        hard = candidates[assigned.max_overlaps[candidates] >= self.hard_thr]
        drawn = random_choice(hard, int(num * self.hard_fraction))
        easy = candidates[assigned.max_overlaps[candidates] < self.hard_thr]
        drawn = torch.cat([drawn, random_choice(easy, num - len(drawn))])
        return _fill_up(drawn, candidates, num)


@SAMPLERS.register_module
class CombinedSampler(RandomSampler):
    """Draw positives with one sampler and negatives with another.

    Args:
        pos_sampler, neg_sampler: configs of samplers; ``num``, ``pos_fraction``,
            ``neg_pos_ub`` and ``add_gt_as_proposals`` are handed on.
    """

    def __init__(self, pos_sampler: dict, neg_sampler: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.pos_sampler = SAMPLERS.build(pos_sampler, **kwargs)
        self.neg_sampler = SAMPLERS.build(neg_sampler, **kwargs)

    def sample_pos(self, assigned: AssignResult, num: int) -> Tensor:
        """Indices of at most ``num`` positives."""
        return self.pos_sampler.sample_pos(assigned, num)

    def sample_neg(self, assigned: AssignResult, num: int) -> Tensor:
        """Indices of at most ``num`` negatives."""
        return self.neg_sampler.sample_neg(assigned, num)


@SAMPLERS.register_module
class PseudoSampler:
    """Take every assigned box (for losses that weigh by themselves)."""

    def sample(self, assigned: AssignResult, bboxes: Tensor, gt_bboxes: Tensor,
               gt_labels: Tensor | None = None) -> SamplingResult:
        """All positives and negatives among (n, 4 or more) boxes."""
        pos_inds = (assigned.gt_inds > 0).nonzero().squeeze(1)
        neg_inds = (assigned.gt_inds == 0).nonzero().squeeze(1)
        return make_result(pos_inds, neg_inds, bboxes[:, :4], gt_bboxes, assigned)
