import torch

from mmdet.core.anchor import AnchorGenerator, anchor_inside_flags, anchor_targets


def test_base_anchors_by_hand():
    base = AnchorGenerator(9, [1.], [1.]).base_anchors
    assert base.tolist() == [[0, 0, 8, 8]]
    base = AnchorGenerator(10, [1., 2.], [1.]).base_anchors  # rounded half to even
    assert base.tolist() == [[0, 0, 9, 9], [-5, -5, 14, 14]]


def test_ratio_is_height_over_width():
    box = AnchorGenerator(16, [1.], [4.]).base_anchors[0]
    assert (box[3] - box[1] + 1) / (box[2] - box[0] + 1) > 3


def test_grid_goes_row_by_row_with_anchors_together():
    gen = AnchorGenerator(9, [1.], [1., 1.])
    grid = gen.grid_anchors((2, 2), 16)
    assert grid[:, :2].tolist() == [[0, 0]] * 2 + [[16, 0]] * 2 + [[0, 16]] * 2 + [[16, 16]] * 2


def test_valid_flags_by_cell():
    gen = AnchorGenerator(9, [1.], [1., 1.])
    flags = gen.valid_flags((2, 3), (1, 2))
    assert flags.tolist() == [True] * 4 + [False] * 8


def test_inside_flags_border():
    anchors = torch.tensor([[0., 0, 9, 9], [0, 0, 10, 9], [-1, 0, 5, 5]])
    valid = torch.ones(3, dtype=torch.bool)
    assert anchor_inside_flags(anchors, valid, (10, 10)).tolist() == [True, False, False]
    assert anchor_inside_flags(anchors, valid, (10, 10), 1).tolist() == [True, True, True]
    assert anchor_inside_flags(anchors, valid, (10, 10), -1).all()


def cfg(**sampler):
    return dict(
        assigner=dict(type='MaxIoUAssigner', pos_iou_thr=.7, neg_iou_thr=.3, min_pos_iou=.3),
        sampler=dict(type='RandomSampler', num=8, pos_fraction=.5, add_gt_as_proposals=False),
        allowed_border=0, pos_weight=-1)


def targets(anchors, usable, *gt):
    """Targets of images that share their anchors; ``gt``: boxes of each."""
    return anchor_targets(anchors, [torch.tensor(usable)] * len(gt), gt, cfg(), [0] * 4, [1] * 4)


def test_targets_of_a_perfect_anchor():
    anchors = torch.tensor([[0., 0, 9, 9], [20, 20, 29, 29], [90, 90, 120, 120]])
    t, = targets(anchors, [True, True, False], torch.tensor([[20., 20, 29, 29]]))
    assert t.inds.tolist() == [1, 0]  # positive first; the third sticks out
    assert t.labels.tolist() == [1, 0] and t.num_pos == 1
    assert t.deltas.tolist() == [[0, 0, 0, 0]]


def test_an_anchor_outside_is_nobodys_best():
    anchors = torch.tensor([[0., 0, 9, 9], [2, 0, 11, 9], [50, 50, 59, 59]])
    gt = torch.tensor([[2., 0, 11, 9]])
    everywhere, inside = (targets(anchors, flags, gt)[0] for flags in (
        [True] * 3, [True, False, True]))
    assert everywhere.inds.tolist() == [1, 2] and everywhere.num_pos == 1
    assert inside.inds.tolist() == [0, 2] and inside.num_pos == 1  # IoU 0.67, the best there is


def test_targets_without_objects_or_anchors():
    anchors, none = torch.tensor([[0., 0, 9, 9]]), torch.zeros(0, 4)
    t, = targets(anchors, [True], none)
    assert t.labels.tolist() == [0] and t.deltas.shape == (0, 4)
    t, = targets(anchors, [False], none)
    assert len(t.inds) == 0


def test_a_batch_is_its_images():
    anchors = torch.tensor([[0., 0, 9, 9], [20, 20, 29, 29], [40, 40, 59, 49]])
    gts = anchors[1:2], anchors[:0], anchors[[0, 2]]
    together = targets(anchors, [True] * 3, *gts)
    for t, gt in zip(together, gts):
        alone, = targets(anchors, [True] * 3, gt)
        assert torch.equal(t.inds, alone.inds) and torch.equal(t.deltas, alone.deltas)
        assert torch.equal(t.labels, alone.labels)
