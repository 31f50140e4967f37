import pytest
import torch

from mmdet.core import multiclass_nms
from mmdet.ops import nms

NMS = dict(type='nms', iou_thr=.5)


def slow(boxes, scores, thr, iou, max_num):
    """Class after class, as the 2019 code went."""
    dets, labels = [torch.zeros(0, 5)], []
    for c in range(1, scores.shape[1]):
        rows = (scores[:, c] > thr).nonzero().squeeze(1)
        b = boxes[rows, 4 * c:4 * c + 4] if boxes.shape[1] > 4 else boxes[rows]
        kept, _ = nms(torch.cat([b, scores[rows, c, None]], 1), iou)
        dets.append(kept)
        labels += [c - 1] * len(kept)
    dets, labels = torch.cat(dets), torch.tensor(labels, dtype=torch.long)
    if len(dets) > max_num:
        best = dets[:, 4].argsort(descending=True)[:max_num]
        dets, labels = dets[best], labels[best]
    return dets, labels


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('per_class', [False, True])
@pytest.mark.parametrize('max_num', [5, 1000])
def test_equals_the_slow_loop(seed, per_class, max_num):
    torch.manual_seed(seed)
    boxes = torch.rand(40, 4, 4) * 60
    boxes[..., 2:] += boxes[..., :2]
    boxes = boxes.view(40, 16) if per_class else boxes[:, 0]
    scores = torch.rand(40, 4)
    got, want = (multiclass_nms(boxes, scores, .3, NMS, max_num),
                 slow(boxes, scores, .3, .5, max_num))
    assert torch.equal(got[0], want[0]) and torch.equal(got[1], want[1])


@pytest.mark.parametrize('nms_cfg', [NMS, dict(type='soft_nms', iou_thr=.5, min_score=.4)])
@pytest.mark.parametrize('max_num', [5, 1000])
def test_rows_are_those_of_the_boxes(nms_cfg, max_num):
    torch.manual_seed(0)
    boxes, scores = torch.rand(40, 4) * 60, torch.rand(40, 4)
    boxes[:, 2:] += boxes[:, :2]
    dets, labels, rows = multiclass_nms(boxes, scores, .3, nms_cfg, max_num, return_inds=True)
    assert torch.equal(dets[:, :4], boxes[rows]) and len(rows.unique()) > 4
    original = scores[rows, labels + 1]
    assert (dets[:, 4] <= original).all() and (nms_cfg is not NMS or dets[:, 4].equal(original))


def test_nothing_above_the_threshold():
    dets, labels = multiclass_nms(torch.rand(3, 4), torch.zeros(3, 5), .1, NMS, 10)
    assert dets.shape == (0, 5) and labels.shape == (0,)
    dets, labels = multiclass_nms(torch.zeros(0, 4), torch.zeros(0, 5), .1, NMS, 10)
    assert dets.shape == (0, 5)


def test_soft_nms_keeps_overlapping_boxes_with_less_score():
    boxes = torch.tensor([[0., 0, 9, 9], [0, 0, 9, 8]])
    scores = torch.tensor([[0, .9], [0, .8]])
    dets, _ = multiclass_nms(boxes, scores, .1, dict(type='soft_nms', iou_thr=.5, min_score=.01),
                             10)
    assert len(dets) == 2 and dets[1, 4] < .8
    with pytest.raises(ValueError, match='"nms" or "soft_nms", got "fast"'):
        multiclass_nms(boxes, scores, .1, dict(type='fast'), 10)
