"""NMS and batched NMS: a slow loop as oracle, ties, odd boxes, errors."""
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.ops import batched_nms, nms
from mmdet.ops.pure import nms as pure

SIDE = st.one_of(st.integers(-3, 12).map(float), st.just(math.nan), st.just(math.inf))
BOX = st.tuples(SIDE, SIDE, SIDE, SIDE, st.sampled_from([.1, .5, .5, .9, math.nan]))


def iou(a, b):
    f = np.float32
    w = max(min(a[2], b[2]) - max(a[0], b[0]) + f(1), f(0))
    h = max(min(a[3], b[3]) - max(a[1], b[1]) + f(1), f(0))
    areas = [(c[2] - c[0] + f(1)) * (c[3] - c[1] + f(1)) for c in (a, b)]
    with np.errstate(all='ignore'):
        return (w * h) / (areas[0] + areas[1] - w * h)


def oracle(dets, labels, thr):
    """Greedy, one pair at a time, in float32."""
    kept = []
    for i in sorted(range(len(dets)), key=lambda i: -np.nan_to_num(dets[i, 4], nan=-9)):
        with np.errstate(all='ignore'):
            clear = all(labels[i] != labels[k] or not iou(dets[i], dets[k]) > np.float32(thr)
                        for k in kept)
        if clear and not np.isnan(dets[i]).any():
            kept.append(i)
    return kept


def make(n, dtype=torch.float32):
    boxes = torch.rand(n, 4) * 100
    boxes[:, 2:] = boxes[:, :2] + boxes[:, 2:] / 2
    return boxes.to(dtype), torch.rand(n, dtype=dtype), torch.randint(0, 4, (n,))


@settings(max_examples=150, deadline=None)
@given(st.lists(BOX, max_size=12), st.sampled_from([-1., -.3, 0., .3, .5, 1.]),
       st.integers(0, 2**12 - 1))
def test_loop_oracle(rows, thr, classes):
    dets = np.array(rows, np.float32).reshape(-1, 5)
    labels = [classes >> i & 1 for i in range(len(dets))]
    wanted = oracle(dets, labels, thr)
    tensor = torch.from_numpy(dets)
    args = tensor[:, :4], tensor[:, 4], torch.tensor(labels, dtype=torch.long)
    assert batched_nms(*args, thr).tolist() == wanted
    assert pure.batched_nms(*args, thr, -1).tolist() == wanted
    assert nms(dets, thr)[1].tolist() == oracle(dets, [0] * len(dets), thr)


@pytest.mark.parametrize('n', [0, 1, 63, 64, 65, 500])
def test_batched_is_the_loop_over_labels(n):
    boxes, scores, labels = make(n)
    kept = [mine[nms(torch.cat([boxes, scores[:, None]], 1)[mine], .3)[1]]
            for mine in ((labels == label).nonzero()[:, 0] for label in range(4))]
    kept = torch.cat(kept)
    wanted = kept[scores[kept].argsort(descending=True)]
    assert torch.equal(batched_nms(boxes, scores, labels, .3), wanted)
    assert torch.equal(batched_nms(boxes, scores, labels, .3, max_num=5), wanted[:5])
    assert torch.equal(pure.batched_nms(boxes, scores, labels, .3, 5), wanted[:5])


def test_hand_computed():
    # 10 x 10 boxes shifted by 5: IoU 50 / 150; equal to the threshold is kept.
    dets = torch.tensor([[0, 0, 9, 9, .5], [5, 0, 14, 9, .9], [0, 0, 9, 9, .4]])
    assert nms(dets, 1 / 3)[1].tolist() == [1, 0]
    assert nms(dets, .33)[1].tolist() == [1]
    rows, inds = nms(dets, .34, max_num=1)
    assert torch.equal(rows, dets[[1]]) and inds.tolist() == [1]


def test_inverted_box_and_threshold_below_zero():
    # No intersection, a union of 100 - 240: the IoU is 0, which is more than -1.
    dets = torch.tensor([[0, 0, 9, 9, .9], [5, 0, -20, 9, .8]])
    labels = torch.zeros(2).long()
    assert nms(dets, -1)[1].tolist() == pure.nms(dets[:, :4], dets[:, 4], -1, -1).tolist() == [0]
    assert batched_nms(dets[:, :4], dets[:, 4], labels, -1).tolist() == [0]
    assert nms(dets, 0)[1].tolist() == [0, 1]


def test_ties_keep_their_order():
    dets = torch.tensor([[i * 100., 0, i * 100 + 9, 9, .5] for i in range(40)])
    assert nms(dets, .5)[1].tolist() == list(range(40))


@pytest.mark.parametrize('dtype', [torch.float64, torch.float16, torch.bfloat16])
def test_dtypes(dtype):
    boxes, scores, labels = make(200, dtype)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    wanted = batched_nms(boxes.to(wide), scores.to(wide), labels, .4)
    assert torch.equal(batched_nms(boxes, scores, labels, .4), wanted)


def test_array_comes_back_as_array():
    dets = np.concatenate([make(50)[0].numpy(), np.random.rand(50, 1)], 1).astype(np.float32)
    rows, inds = nms(dets[::2], .5)
    assert isinstance(rows, np.ndarray) and rows.dtype == np.float32 and inds.dtype == np.int64
    assert np.array_equal(rows, dets[::2][inds])


def test_strided_input():
    dets = torch.rand(5, 60).t() * 50
    assert torch.equal(nms(dets, .5)[1], nms(dets.contiguous(), .5)[1])


@pytest.mark.parametrize('call, error, words', [
    (lambda: nms(torch.rand(3, 4), .5), ValueError, r'\(n, 5\), got \(3, 4\)'),
    (lambda: nms(torch.ones(3, 5).long(), .5), TypeError, 'int64'),
    (lambda: nms([[1, 2, 3, 4, 5]], .5), TypeError, 'list'),
    (lambda: nms(torch.rand(3, 5), .5, 0), TypeError, 'positional'),  # device_id of 2019
    (lambda: batched_nms(torch.rand(3, 4), torch.rand(2), torch.zeros(3).long(), .5), ValueError,
     r'scores must be \(3,\), got \(2,\)'),
    (lambda: batched_nms(torch.rand(3, 4), torch.rand(3), torch.zeros(3), .5), TypeError,
     'labels must be integers, got torch.float32')])
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()
