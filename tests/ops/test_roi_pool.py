"""RoIPool: a slow loop as oracle, gradients, odd boxes."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.ops import RoIPool, roi_pool
from mmdet.ops.pure import roi_pool as pure

CORNER = st.floats(-10, 50, width=32)


def oracle(features, rois, size, scale):
    out = features.new_zeros(len(rois), features.shape[1], *size)
    for r, (n, x1, y1, x2, y2) in enumerate(rois.tolist()):
        left, top, w, h = x1 * scale, y1 * scale, (x2 + 1 - x1) * scale, (y2 + 1 - y1) * scale
        for ph in range(size[0] if w > 0 and h > 0 else 0):
            for pw in range(size[1]):
                rows = range(max(math.floor(top + ph * h / size[0]), 0),
                             min(math.ceil(top + (ph + 1) * h / size[0]), features.shape[2]))
                cols = range(max(math.floor(left + pw * w / size[1]), 0),
                             min(math.ceil(left + (pw + 1) * w / size[1]), features.shape[3]))
                for c in range(features.shape[1]):
                    values = [features[int(n), c, y, x] for y in rows for x in cols]
                    out[r, c, ph, pw] = max(values, default=0)
    return out


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CORNER, CORNER, CORNER, CORNER), min_size=1, max_size=3),
       st.sampled_from([(1, 1), (3, 2)]), st.sampled_from([1., .25]))
def test_loop_oracle(boxes, size, scale):
    features = torch.randn(1, 2, 7, 9, dtype=torch.float64)
    rois = torch.tensor([(0, *box) for box in boxes], dtype=torch.float64).round(decimals=2)
    rois[:, 1:] += 1e-3  # no bin edge is a whole number up to rounding
    wanted = oracle(features, rois, size, scale)
    assert torch.equal(roi_pool(features, rois, size, scale), wanted)
    assert torch.equal(pure.roi_pool(features, rois, size, scale), wanted)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_gradient(dtype):
    features = torch.randn(2, 3, 9, 11).to(dtype).requires_grad_()
    rois = torch.tensor([[0, 1, 2, 20, 30], [1, -8, 5, 30, 21], [1, 30, 30, 2, 2.]])
    out = roi_pool(features, rois, 3, .25)
    plain = pure.roi_pool(features, rois, (3, 3), .25)
    assert torch.equal(out, plain) and out[2].abs().sum() == 0
    grad = torch.ones_like(out)
    assert torch.equal(torch.autograd.grad(out, features, grad)[0],
                       torch.autograd.grad(plain, features, grad)[0])


def test_gradcheck():
    features = torch.randn(2, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    rois = torch.tensor([[0, 1, 2, 20, 18], [1, -8, 5, 30, 21.]])
    assert torch.autograd.gradcheck(lambda f: roi_pool(f, rois, (3, 2), .25), (features,))


def test_empty_nan_module():
    features = torch.randn(1, 3, 8, 8)
    assert RoIPool(2, .5)(features, torch.zeros(0, 5)).shape == (0, 3, 2, 2)
    rois = torch.tensor([[0, math.nan, 0, 5, 5], [0, 900, 900, 950, 950]])
    assert roi_pool(features, rois, 2, .5).abs().sum() == 0
    with pytest.raises(ValueError, match=r'3, expected \[0, 1\)'):
        roi_pool(features, torch.full((1, 5), 3.), 2, .5)
