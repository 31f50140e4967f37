"""The CUDA kernels of RoIPool, run on the CPU, against the CPU operator."""
import math
import random

import pytest
import torch
from test_emulated_roi_align import DTYPES, SIDES, make_rois

from mmdet.ops import library

pytestmark = pytest.mark.skipif(library._cpu_problem is not None, reason='operators not built')


def make_case(rng, dtype=None):
    """Few different values, so that maxima tie; some NaN."""
    dtype = dtype or rng.choice(DTYPES)
    images, channels = rng.randint(1, 3), rng.choice([1, 3, 17])
    feats = torch.randint(-9, 9, (images, channels, rng.choice(SIDES), rng.choice(SIDES)))
    feats = torch.where(torch.rand(feats.shape) < .02, math.nan, feats).to(dtype)
    return dict(map=feats, rois=make_rois(rng, rng.choice([0, 1, 2, 5, 9]), images),
                out_size=[rng.randint(1, 7), rng.randint(1, 7)],
                scale=rng.choice([.1, .13, .05, .3]))


def cpu_forward(case):
    return torch.ops.mmdet.roi_pool(case['map'], case['rois'], *case['out_size'], case['scale'])


def cpu_backward(case, grad, argmax):
    images, _, height, width = case['map'].shape
    return torch.ops.mmdet.roi_pool_backward(grad, argmax, case['rois'], images, height, width)


def for_kernel(case):
    return dict(case, rois=case['rois'].to(torch.promote_types(case['map'].dtype, torch.float32)))


def for_backward(case, grad, argmax, ordered=False):
    """As the kernels get it: channels innermost if they add in order."""
    if ordered:
        grad, argmax = grad.permute(0, 2, 3, 1), argmax.permute(0, 2, 3, 1)
    return dict(rois=for_kernel(case)['rois'], grad=grad, argmax=argmax, ordered=int(ordered),
                images=len(case['map']), size=list(case['map'].shape[2:]))


def nchw(sums, ordered):
    return sums.permute(0, 3, 1, 2) if ordered else sums


def assert_equal(got, wanted):
    """Bit for bit, where NaN is NaN."""
    assert got.dtype == wanted.dtype
    torch.testing.assert_close(got, wanted, rtol=0, atol=0, equal_nan=True)


def check_forward(emulator, cases, **options):
    got = emulator.run('roi_pool', list(map(for_kernel, cases)), **options)
    for (out, argmax), case in zip(got, cases):
        wanted, places = cpu_forward(case)
        assert_equal(out, wanted)
        assert_equal(argmax, places)


@pytest.mark.parametrize('most_blocks', [0, 2])
def test_forward(emulator, most_blocks):
    rng = random.Random(most_blocks)
    check_forward(emulator, [make_case(rng) for _ in range(120)], most_blocks=most_blocks)


@pytest.mark.parametrize('most_blocks', [0, 2])
@pytest.mark.parametrize('ordered', [False, True])
def test_backward(emulator, ordered, most_blocks):
    rng = random.Random(most_blocks + 1)
    cases = [make_case(rng) for _ in range(80)]
    pooled = [cpu_forward(case) for case in cases]
    # Whole numbers: their sums are exact in any order.
    args = [(case, torch.randint(-8, 9, out.shape).to(out.dtype), argmax)
            for case, (out, argmax) in zip(cases, pooled)]
    got = emulator.run('roi_pool_backward', [for_backward(*one, ordered) for one in args],
                       most_blocks=most_blocks)
    for (sums,), (case, grad, argmax) in zip(got, args):
        assert_equal(nchw(sums, ordered).to(grad.dtype), cpu_backward(case, grad, argmax))


def test_ordered_backward_adds_in_the_order_of_the_cpu(emulator):
    rng = random.Random(2)
    cases = [make_case(rng, torch.float32) for _ in range(30)]
    pooled = [cpu_forward(case) for case in cases]
    args = [(case, torch.randn_like(out), argmax) for case, (out, argmax) in zip(cases, pooled)]
    wanted = [cpu_backward(*one) for one in args]
    for seed, blocks in ((0, 0), (1, 1), (2, 3)):
        got = emulator.run('roi_pool_backward', [for_backward(*one, True) for one in args], seed,
                           blocks)
        for (sums,), right in zip(got, wanted):
            assert_equal(nchw(sums, True), right)


def test_what_has_no_place_is_dropped(emulator):
    """Images and pixels that do not exist: NaN in the forward, nothing in the backward."""
    rng = random.Random(3)
    case = {**make_case(rng, torch.float32), 'out_size': [2, 3]}
    images, channels, height, width = case['map'].shape
    right = dict(case, rois=make_rois(rng, 6, images))
    wrong = dict(case, rois=right['rois'].repeat(2, 1))
    wrong['rois'][6:, 0] = torch.tensor([-1, -.5, images, 1e30, math.nan, -math.inf])
    (out, argmax), = emulator.run('roi_pool', [for_kernel(wrong)])
    assert out[6:].isnan().all() and (argmax[6:] == -1).all()
    assert_equal(out[:6], cpu_forward(right)[0])
    grad = torch.randint(-8, 9, out.shape).float()
    argmax = torch.randint(0, height * width, out.shape)
    argmax[:, :, 0] = torch.tensor([-1, height * width, 2**60])
    for ordered in (False, True):
        (sums,), = emulator.run('roi_pool_backward', [for_backward(wrong, grad, argmax, ordered)])
        assert_equal(nchw(sums, ordered), cpu_backward(right, grad[:6], argmax[:6]))


def test_integer_boxes_fall_into_the_same_bins(emulator):
    corner = torch.randint(0, 90, (20000, 2))
    boxes = torch.cat([corner, corner + torch.randint(-3, 40, (20000, 2))], 1)
    check_forward(emulator, [dict(map=torch.randn(1, 1, 12, 13), out_size=[2, 3], scale=.1,
                                  rois=torch.cat([torch.zeros(20000, 1), boxes], 1))])
