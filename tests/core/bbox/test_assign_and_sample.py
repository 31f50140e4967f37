import pytest
import torch

from mmdet.core import assign_and_sample, build_assigner, build_sampler
from mmdet.core.bbox import AssignResult, MaxIoUAssigner, RandomSampler, bbox_targets


def slow_assign(overlaps, pos, neg, min_pos):
    """The rules of MaxIoUAssigner one box at a time."""
    out = []
    for column in overlaps.t():
        best = column.max()
        out.append(int(column.argmax()) + 1 if best >= pos else 0 if best < neg else -1)
    for i, row in enumerate(overlaps):
        if row.max() >= min_pos:
            for j in range(len(row)):
                if row[j] == row.max():
                    out[j] = i + 1
    return out


@pytest.mark.parametrize('seed', range(20))
def test_assigner_equals_the_slow_loop(seed):
    torch.manual_seed(seed)
    overlaps = (torch.rand(4, 30) * 10).round() / 10  # with ties
    result = MaxIoUAssigner(.7, .3, .3).assign_wrt_overlaps(overlaps)
    assert result.gt_inds.tolist() == slow_assign(overlaps, .7, .3, .3)


def test_assigner_empty_inputs():
    assigner, labels = MaxIoUAssigner(.5, .5), torch.tensor([3])
    nothing = assigner.assign(torch.rand(3, 4), torch.zeros(0, 4), None, labels[:0])
    assert nothing.gt_inds.tolist() == [0, 0, 0] and nothing.labels.tolist() == [0, 0, 0]
    nobody = assigner.assign(torch.zeros(0, 4), torch.rand(1, 4), None, labels)
    assert len(nobody.gt_inds) == 0 and len(nobody.labels) == 0


def test_crowds_are_ignored_when_asked():
    boxes, crowd = torch.tensor([[0., 0, 9, 9], [50, 50, 59, 59]]), torch.tensor([[0., 0, 20, 20]])
    gt, label = torch.tensor([[50., 50, 59, 59]]), torch.tensor([1])
    off, on = MaxIoUAssigner(.5, .5), MaxIoUAssigner(.5, .5, ignore_iof_thr=.5)
    assert off.assign(boxes, gt, crowd, label).gt_inds.tolist() == [0, 1]
    assert on.assign(boxes, gt, crowd, label).gt_inds.tolist() == [-1, 1]


def assigned(pos, neg):
    gt_inds = torch.tensor([1] * pos + [0] * neg + [-1])
    return AssignResult(gt_inds, torch.linspace(0, 1, len(gt_inds)), gt_inds.clamp(min=0) * 5)


@pytest.mark.parametrize('pos, neg, want', [(50, 50, (4, 12)), (2, 50, (2, 14)), (0, 3, (0, 3))])
def test_random_sampler_counts(pos, neg, want):
    sampler = RandomSampler(16, .25, add_gt_as_proposals=False)
    s = sampler.sample(assigned(pos, neg), torch.rand(pos + neg + 1, 4), torch.rand(1, 4))
    assert (len(s.pos_inds), len(s.neg_inds)) == want
    assert (s.pos_inds < pos).all() and ((s.neg_inds >= pos) & (s.neg_inds < pos + neg)).all()
    assert len(s.pos_inds.unique()) == want[0] and s.pos_gt_labels.tolist() == [5] * want[0]


def test_neg_pos_ub_and_gt_in_front():
    sampler = RandomSampler(100, .5, neg_pos_ub=3, add_gt_as_proposals=True)
    gt = torch.tensor([[0., 0, 5, 5]])
    s = sampler.sample(assigned(0, 50), torch.rand(51, 4), gt, torch.tensor([5]))
    assert s.pos_bboxes.tolist() == gt.tolist() and len(s.neg_inds) == 3


def test_instance_balanced_draws_from_every_object():
    gt_inds = torch.tensor([1] * 90 + [2] * 5 + [3] * 5)
    a = AssignResult(gt_inds, torch.ones(100), gt_inds)
    s = build_sampler(
        dict(type='InstanceBalancedPosSampler', num=12, pos_fraction=1,
             add_gt_as_proposals=False)).sample(a, torch.rand(100, 4), torch.rand(3, 4))
    counts = (s.pos_assigned_gt_inds).bincount().tolist()
    assert len(s.pos_inds) == 12 and min(counts) >= 2


def test_iou_balanced_and_combined():
    common = dict(num=20, pos_fraction=0., add_gt_as_proposals=False)
    combined = build_sampler(dict(
        type='CombinedSampler', pos_sampler=dict(type='RandomSampler'),
        neg_sampler=dict(type='IoUBalancedNegSampler', hard_thr=.5, hard_fraction=.5), **common))
    s = combined.sample(assigned(0, 100), torch.rand(101, 4), torch.zeros(1, 4))
    hard = (torch.linspace(0, 1, 101)[s.neg_inds] >= .5).sum()
    assert len(s.neg_inds) == 20 and hard == 10


def test_unknown_assigner_and_argument_are_named():
    with pytest.raises(KeyError, match='did you mean "MaxIoUAssigner"'):
        build_assigner(dict(type='MaxIouAssigner'))
    with pytest.raises(TypeError, match='did you mean "pos_iou_thr"'):
        build_assigner(dict(type='MaxIoUAssigner', pos_iou_th=.5, neg_iou_thr=.5))


def test_targets_of_a_batch():
    cfg = dict(assigner=dict(type='MaxIoUAssigner', pos_iou_thr=.5, neg_iou_thr=.5,
                             min_pos_iou=.5),
               sampler=dict(type='RandomSampler', num=10, pos_fraction=.5))
    gt, label = torch.tensor([[10., 10, 19, 19]]), torch.tensor([7])
    samples = [assign_and_sample(torch.tensor([[60., 60, 70, 70]]), gt, None, label, cfg)[1],
               assign_and_sample(torch.zeros(0, 5), gt[:0], None, label[:0], cfg)[1]]
    t = bbox_targets(samples, [0] * 4, [1] * 4, pos_weight=2)
    assert t.labels.tolist() == [7, 0] and t.label_weights.tolist() == [2, 1]
    assert t.pos_inds.tolist() == [0] and t.pos_deltas.tolist() == [[0, 0, 0, 0]]


def test_labels_forgotten_on_the_way_are_named():
    boxes = torch.rand(1, 4)
    with pytest.raises(ValueError, match='assigned with gt_labels and are sampled without'):
        RandomSampler(16, .25).sample(assigned(1, 1), torch.rand(3, 4), boxes)
    cfg = dict(assigner=dict(type='MaxIoUAssigner', pos_iou_thr=.5, neg_iou_thr=.5),
               sampler=dict(type='RandomSampler', num=10, pos_fraction=.5))
    with pytest.raises(ValueError, match='samples have no labels'):
        bbox_targets([assign_and_sample(boxes, boxes, None, None, cfg)[1]], [0] * 4, [1] * 4)
