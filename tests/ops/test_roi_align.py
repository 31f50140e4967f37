"""RoIAlign: a slow loop as oracle, gradients, layouts, dtypes, tracing, errors."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.ops import RoIAlign, multi_level_roi_align, roi_align
from mmdet.ops.pure import roi_align as pure

CORNER = st.floats(-40, 120, width=32)


def points(low, high, bins, sample_num, b):
    """Sample coordinates of bin b and their number, as the 2019 kernel walked them."""
    size = max(high - low, 0) / bins
    count = sample_num or math.ceil(size)
    return [low + b * size + (i + .5) * size / count for i in range(count)]


def bilinear(plane, y, x):
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    low, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v, u = y - top, x - left
    return ((1 - v) * ((1 - u) * plane[top, left] + u * plane[top, right]) +
            v * ((1 - u) * plane[low, left] + u * plane[low, right]))


def oracle(features, rois, size, scale, sample_num):
    out = features.new_zeros(len(rois), features.shape[1], *size)
    for r, (n, x1, y1, x2, y2) in enumerate(rois.tolist()):
        for ph in range(size[0]):
            for pw in range(size[1]):
                ys = points(y1 * scale, (y2 + 1) * scale, size[0], sample_num, ph)
                xs = points(x1 * scale, (x2 + 1) * scale, size[1], sample_num, pw)
                for c, plane in enumerate(features[int(n)]):
                    values = [bilinear(plane, y, x) for y in ys for x in xs]
                    out[r, c, ph, pw] = sum(values) / max(len(values), 1)
    return out


def make(dtype=torch.float64, channels=19, num=30):
    features = torch.randn(2, channels, 20, 31, dtype=dtype)
    rois = torch.rand(num, 5, dtype=torch.float64) * 150 - 20
    rois[:, 3:] += rois[:, 1:3].clamp(min=-5) * .7
    rois[:, 0] = torch.randint(0, 2, (num,))
    return features, rois


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CORNER, CORNER, CORNER, CORNER), min_size=1, max_size=3),
       st.sampled_from([(1, 1), (3, 2), (2, 5)]), st.sampled_from([1., .25, .3]),
       st.integers(0, 3))
def test_loop_oracle(boxes, size, scale, sample_num):
    features = torch.randn(1, 2, 7, 9, dtype=torch.float64)
    rois = torch.tensor([(0, *box) for box in boxes], dtype=torch.float64)
    out = roi_align(features, rois, size, scale, sample_num)
    wanted = oracle(features, rois, size, scale, sample_num)
    assert torch.allclose(out, wanted, rtol=0, atol=1e-9)
    plain = pure.roi_align(features, rois, size, scale, sample_num)
    assert torch.allclose(plain, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize('sample_num', [0, 1, 2])
@pytest.mark.parametrize('channels_last', [False, True])
def test_compiled_and_plain_agree(sample_num, channels_last):
    features, rois = make()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    features = features.contiguous(memory_format=layout).requires_grad_()
    out = roi_align(features, rois, (7, 5), .25, sample_num)
    plain = pure.roi_align(features, rois, (7, 5), .25, sample_num)
    grad = torch.randn_like(out)
    got, = torch.autograd.grad(out, features, grad)
    wanted, = torch.autograd.grad(plain, features, grad)
    assert torch.allclose(out, plain, rtol=0, atol=1e-12) and out.is_contiguous()
    assert torch.allclose(got, wanted, rtol=0, atol=1e-12)
    assert got.stride() == features.stride()


@pytest.mark.parametrize('dtype, atol', [(torch.float32, 1e-5), (torch.float16, 2e-3),
                                         (torch.bfloat16, 2e-2)])
def test_dtypes_round_once(dtype, atol):
    features, rois = make(dtype)
    features.requires_grad_()
    out = roi_align(features, rois, 7, .25, 2)
    wanted = roi_align(features.detach().double(), rois.float().double(), 7, .25, 2)
    assert out.dtype == dtype and torch.allclose(out.double(), wanted, atol=atol)
    out.sum().backward()
    assert features.grad.dtype == dtype and features.grad.isfinite().all()


def test_any_strides():
    features, rois = make()
    wide = torch.randn(2, 20, 19, 62, dtype=torch.float64)
    view = wide.transpose(1, 2)[..., ::2]
    assert torch.equal(roi_align(view, rois, 3, .25, 2),
                       roi_align(view.contiguous(), rois, 3, .25, 2))
    turned = torch.randn(5, 30, dtype=torch.float64).t()
    turned[:, 0] = 0
    assert torch.equal(roi_align(features, turned, 3, .25, 2),
                       roi_align(features, turned.contiguous(), 3, .25, 2))


def test_expanded_gradient():
    features, rois = make()
    features.requires_grad_()
    out = roi_align(features, rois, 3, .25, 2)
    got, = torch.autograd.grad(out.sum(), features, retain_graph=True)
    wanted, = torch.autograd.grad(out, features, torch.ones_like(out))
    assert torch.equal(got, wanted)


def test_empty():
    features, rois = make()
    features.requires_grad_()
    out = roi_align(features, rois[:0], (3, 2), .25)
    out.sum().backward()
    assert out.shape == (0, 19, 3, 2) and features.grad.abs().sum() == 0
    assert roi_align(features[:0], rois[:0], 3, .25).shape == (0, 19, 3, 3)
    assert roi_align(features[:, :0], rois, 3, .25).shape == (30, 0, 3, 3)


def test_strange_boxes_give_zero():
    features = torch.ones(1, 1, 8, 8)
    nan, inf = math.nan, math.inf
    rois = torch.tensor([[0, nan, 1, 5, 5], [0, -inf, 1, inf, 5], [0, 500, 500, 600, 600],
                         [0, 9, 9, 2, 2.], [0, -1e9, -1e9, 1e9, 1e9]])
    out = roi_align(features, rois, 2, 1., 0)
    assert out.isfinite().all() and out[:4].abs().sum() == 0
    assert roi_align(features, rois, 2, 1., 2)[:3].abs().sum() == 0


def test_rounds_as_written():
    # (4 + 1) * .3 - 5 * .3 is 0; with the last product and the difference rounded at once it
    # would be a sliver with a sample point of its own.
    rois = torch.tensor([[0, 5, 3, 4, 9.]])
    assert roi_align(torch.ones(1, 1, 8, 8), rois, 1, .3, 0).item() == 0
    assert pure.roi_align(torch.ones(1, 1, 8, 8), rois, (1, 1), .3, 0).item() == 0


def test_gradcheck():
    features, rois = make(channels=2, num=5)
    maps = (features.requires_grad_(), features.detach()[..., ::2].clone().requires_grad_())
    levels = torch.tensor([0, 1, 1, 0, 1])
    assert torch.autograd.gradcheck(
        lambda *maps: multi_level_roi_align(maps, rois, levels, (3, 2), (.25, .1), 2), maps)


def test_levels_equal_one_call_each():
    features, rois = make()
    maps = [features, features[..., ::2, ::2], features[..., ::4, ::4]]
    scales, levels = (.25, .125, .0625), torch.randint(0, 3, (30,))
    out = multi_level_roi_align(maps, rois, levels, 7, scales, 2)
    for level in range(3):
        mine = levels == level
        assert torch.equal(out[mine], roi_align(maps[level], rois[mine], 7, scales[level], 2))
    assert torch.allclose(out, pure.multi_level_roi_align(maps, rois, levels, (7, 7), scales, 2),
                          rtol=0, atol=1e-12)


def test_threads_do_not_change_a_bit():
    features, rois = make(torch.float32, channels=70)
    features.requires_grad_()
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        out = roi_align(features, rois, 7, .25, 2)
        results.append((out, *torch.autograd.grad(out.square().sum(), features)))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_module_and_autocast():
    features, rois = make(torch.bfloat16)
    module = RoIAlign(7, .25, sample_num=2)
    with torch.autocast('cpu', torch.bfloat16):
        out = module(features, rois.float())
    assert out.dtype == torch.bfloat16 and torch.equal(out, roi_align(features, rois, 7, .25, 2))
    assert 'out_size=(7, 7)' in repr(module)


@pytest.mark.parametrize('change, error, words', [
    (dict(features=torch.rand(3, 8, 8)), ValueError, r'\(N, C, H, W\).*\(3, 8, 8\)'),
    (dict(features=torch.ones(1, 3, 8, 8, dtype=torch.int)), TypeError, 'int32'),
    (dict(rois=torch.rand(4, 4)), ValueError, r'\(R, 5\).*\(4, 4\)'),
    (dict(rois=torch.ones(4, 5, dtype=torch.long)), TypeError, 'int64'),
    (dict(rois=[[0, 1, 2, 3, 4]]), TypeError, 'list'),
    (dict(out_size=0), ValueError, 'positive'),
    (dict(rois=torch.rand(4, 5, device='meta')), ValueError, 'meta and cpu'),
    (dict(rois=torch.full((1, 5), 7.)), ValueError, r'7, expected \[0, 1\)'),
    (dict(rois=torch.full((1, 5), math.nan)), ValueError, 'nan')])
def test_errors(change, error, words):
    args = dict(features=torch.rand(1, 3, 8, 8), rois=torch.zeros(2, 5), out_size=7)
    with pytest.raises(error, match=words):
        roi_align(**{**args, **change}, spatial_scale=.5)


def test_pyramid_errors():
    maps, rois = [torch.rand(1, 3, 8, 8)] * 2, torch.zeros(2, 5)
    with pytest.raises(ValueError, match='2 levels and 1 scales'):
        multi_level_roi_align(maps, rois, torch.zeros(2).long(), 7, [1.])
    with pytest.raises(ValueError, match=r'level of a RoI is 5'):
        multi_level_roi_align(maps, rois, torch.tensor([0, 5]), 7, [1., 1.])
    with pytest.raises(ValueError, match=r'levels must be \(2,\), got \(3,\)'):
        multi_level_roi_align(maps, rois, torch.zeros(3).long(), 7, [1., 1.])
    with pytest.raises(ValueError, match='share N, C and dtype'):
        multi_level_roi_align([maps[0], maps[0].double()], rois, torch.zeros(2).long(), 7, [1., 1])


def test_autocast_changes_nothing():
    features, rois = torch.randn(1, 3, 16, 16), torch.tensor([[0., 4, 5, 40, 50]])
    want = pure.roi_align(features, rois, (7, 7), .25, 2)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(pure.roi_align(features, rois, (7, 7), .25, 2), want)
