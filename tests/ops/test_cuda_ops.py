"""CPU against CUDA; runs wherever a GPU and the compiled CUDA library are."""
import contextlib
import math

import pytest
import torch
from torch.library import opcheck

from mmdet import ops
from mmdet.ops import library

DEVICE = 'cuda'
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available() or library._cuda_problem is not None,
                       reason='no GPU, or the CUDA operators were not built')]


@contextlib.contextmanager
def deterministic(wanted=True):
    torch.use_deterministic_algorithms(wanted)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextlib.contextmanager
def no_waiting():
    """The host may not wait for the device inside."""
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode('default')


def pyramid(dtype=torch.float32, layout=torch.contiguous_format, channels=40, num=50):
    maps = [torch.randn(2, channels, side, side + 9).to(dtype).contiguous(memory_format=layout)
            for side in (24, 12)]
    rois = torch.rand(num, 5) * 150 - 20
    rois[:, 3:] += rois[:, 1:3].clamp(min=-5) * .7
    rois[:, 0] = torch.randint(0, 2, (num,))
    return maps, rois, torch.randint(0, 2, (num,))


def run(device, maps, rois, levels, sample_num):
    maps = [feat.to(device).requires_grad_() for feat in maps]
    out = ops.multi_level_roi_align(maps, rois.to(device), levels.to(device), 7, (.25, .125),
                                    sample_num)
    grads = torch.autograd.grad(out.float().square().sum(), maps)
    return [value.cpu() for value in (out, *grads)]


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('dtype, atol', [(torch.float64, 1e-10), (torch.float32, 1e-3),
                                         (torch.float16, .2), (torch.bfloat16, 1.)])
@pytest.mark.parametrize('ordered', [False, True])
def test_roi_align(dtype, atol, layout, ordered):
    case = pyramid(dtype, layout)
    for sample_num in (0, 2):
        with deterministic(ordered):
            got = run(DEVICE, *case, sample_num)
        for value, wanted in zip(got, run('cpu', *case, sample_num)):
            assert torch.allclose(value.double(), wanted.double(), rtol=1e-2, atol=atol)
            assert value.stride() == wanted.stride()


@pytest.mark.parametrize('channels, num', [(256, 700), (260, 30), (3, 1500)])
def test_more_than_a_block_takes(channels, num):
    case = pyramid(torch.float64, channels=channels, num=num)
    for ordered in (False, True):
        with deterministic(ordered):
            got = run(DEVICE, *case, 2)
        for value, wanted in zip(got, run('cpu', *case, 2)):
            assert torch.allclose(value, wanted, rtol=1e-8, atol=1e-8)


def test_deterministic_backward_repeats():
    case = pyramid(channels=256, num=700)
    with deterministic():
        first, second = (run(DEVICE, *case, 2) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second))


@pytest.mark.parametrize('ordered', [False, True])
def test_the_host_does_not_wait(ordered):
    maps, rois, levels = pyramid()
    maps = [feat.to(DEVICE).requires_grad_() for feat in maps]
    rois, levels = rois.to(DEVICE), levels.to(DEVICE)
    with deterministic(ordered), no_waiting():
        out = ops.multi_level_roi_align(maps, rois, levels, 7, (.25, .125), 2)
        pooled = ops.roi_pool(maps[0], rois, 7, .25)
        (out.sum() + pooled.sum()).backward()


def test_rounds_as_written():
    rois = torch.tensor([[0, 5, 3, 4, 9.]], device=DEVICE)
    assert ops.roi_align(torch.ones(1, 1, 8, 8, device=DEVICE), rois, 1, .3, 0).item() == 0


def test_integer_boxes_fall_into_the_same_bins():
    corner = torch.randint(0, 90, (20000, 2))
    boxes = torch.cat([corner, corner + torch.randint(-3, 40, (20000, 2))], 1)
    rois, feats = torch.cat([torch.zeros(20000, 1), boxes], 1), torch.randn(1, 1, 12, 13)
    for pool in (lambda *args: ops.roi_pool(*args, (2, 3), .1),
                 lambda *args: ops.roi_align(*args, (1, 2), .3, 0)):
        got = pool(feats.to(DEVICE), rois.to(DEVICE)).cpu()
        assert torch.allclose(got, pool(feats, rois), atol=1e-5)


@pytest.mark.parametrize('wrong', [-1, 2, math.nan, math.inf, 1e30])
@pytest.mark.parametrize('ordered', [False, True])
def test_a_roi_without_an_image(wrong, ordered):
    """NaN, no gradient, and the device still works."""
    maps, rois, levels = pyramid()
    rois[7, 0] = wrong
    good = torch.arange(50) != 7
    feats = [feat.to(DEVICE).requires_grad_() for feat in maps]
    with deterministic(ordered):
        out = ops.multi_level_roi_align(feats, rois.to(DEVICE), levels.to(DEVICE), 7,
                                        (.25, .125), 2)
        pooled = ops.roi_pool(feats[0], rois.to(DEVICE), 7, .25)
        assert out[7].isnan().all() and pooled[7].isnan().all()
        grads = torch.autograd.grad(out.sum(), feats)
        pool_grad, = torch.autograd.grad(pooled.sum(), feats[0])
    feats = [feat.requires_grad_() for feat in maps]
    wanted = ops.multi_level_roi_align(feats, rois[good], levels[good], 7, (.25, .125), 2)
    assert torch.allclose(out.cpu()[good], wanted, atol=1e-4)
    for got, right in zip(grads, torch.autograd.grad(wanted.sum(), feats)):
        assert torch.allclose(got.cpu(), right, atol=1e-3)
    right, = torch.autograd.grad(ops.roi_pool(feats[0], rois[good], 7, .25).sum(), feats[0])
    assert torch.allclose(pool_grad.cpu(), right)


@pytest.mark.parametrize('wrong', [-1, 2, 2**40])
def test_a_roi_without_a_level(wrong):
    maps, rois, levels = pyramid()
    levels[7] = wrong
    maps = [feat.to(DEVICE).requires_grad_() for feat in maps]
    out = ops.multi_level_roi_align(maps, rois.to(DEVICE), levels.to(DEVICE), 7, (.25, .125), 2)
    out.sum().backward()
    assert out[7].isnan().all() and out.isnan().sum() == out[7].numel()
    assert all(feat.grad.isfinite().all() for feat in maps)


def test_refuses_as_the_cpu_does():
    rois = torch.zeros(2, 5, device=DEVICE)
    grad = torch.zeros(2, 5, 3, 2, device=DEVICE)
    align, pool = torch.ops.mmdet.roi_align_backward, torch.ops.mmdet.roi_pool_backward
    with pytest.raises(ValueError, match='3 gradients and 2 rois'):
        align(torch.zeros(3, 5, 3, 2, device=DEVICE), rois, None, 2, [8, 9], [.25], 2, False)
    with pytest.raises(ValueError, match='4 sizes and 1 scales'):
        align(grad, rois, None, 2, [8, 9, 4, 5], [.25], 2, False)
    with pytest.raises(ValueError, match='at least one scale, got 0'):
        align(grad, rois, None, 2, [], [], 2, False)
    with pytest.raises(TypeError, match='argmax must be int64, got Int'):
        pool(grad, grad.int(), rois, 2, 8, 9)
    with pytest.raises(ValueError, match='argmax and grad must be on one device'):
        pool(grad, grad.long().cpu(), rois, 2, 8, 9)
    with pytest.raises(ValueError, match='argmax must be'):
        pool(grad, grad[:1].long(), rois, 2, 8, 9)


@pytest.mark.parametrize('ordered', [False, True])
def test_argmax_outside_the_map_is_dropped(ordered):
    argmax = torch.tensor([-1, 72, 2**40, 71, 0, 5], device=DEVICE).view(1, 1, 3, 2)
    with deterministic(ordered):
        got = torch.ops.mmdet.roi_pool_backward(
            torch.ones(1, 1, 3, 2, device=DEVICE), argmax, torch.zeros(1, 5, device=DEVICE), 1, 8,
            9)
    assert got.flatten().nonzero()[:, 0].tolist() == [0, 5, 71] and got.sum() == 3


def boxes_of(num, spread=300):
    boxes = torch.rand(num, 4) * spread
    boxes[:, 2:] = boxes[:, :2] + torch.rand(num, 2) * 60 - 2
    boxes[:num // 5, 1] = float('nan')
    return boxes, torch.rand(num).mul(200).round() / 200, torch.randint(0, 5, (num,))


@pytest.mark.parametrize('n', [0, 1, 63, 64, 65, 2000, 4095, 4096, 4097, 8193, 20000])
@pytest.mark.parametrize('max_num', [-1, 0, 7, 5000])
def test_nms(n, max_num):
    args = boxes_of(n, 30 * max(n, 1) ** .5)
    wanted = ops.batched_nms(*args, .4, max_num)
    there = [one.to(DEVICE) for one in args]
    assert torch.equal(ops.batched_nms(*there, .4, max_num).cpu(), wanted)
    dets = torch.cat([args[0], args[1][:, None]], 1)
    got, wanted = ops.nms(dets.to(DEVICE), .6,
                          max_num=max_num)[1], ops.nms(dets, .6, max_num=max_num)[1]
    assert torch.equal(got.cpu(), wanted)


@pytest.mark.parametrize('threshold', [-1, -.3, 0., 1.])
def test_nms_with_inverted_boxes_and_any_threshold(threshold):
    boxes, scores, labels = boxes_of(500)
    boxes[::7, 2] -= 90
    args = boxes, scores, labels
    assert torch.equal(ops.batched_nms(*(one.to(DEVICE) for one in args), threshold).cpu(),
                       ops.batched_nms(*args, threshold))


def test_nms_takes_little_memory():
    args = [one.to(DEVICE) for one in boxes_of(100000, 20000)]
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    ops.batched_nms(*args, .5)
    # A bit per pair of boxes would be 1.25 GB.
    assert torch.cuda.max_memory_allocated() - before < 100e6


@pytest.mark.parametrize('ordered', [False, True])
def test_roi_pool(ordered):
    maps, rois, _ = pyramid(channels=70)
    feats = maps[0].requires_grad_()
    there = feats.detach().to(DEVICE).requires_grad_()
    out = ops.roi_pool(feats, rois, 7, .25)
    got = ops.roi_pool(there, rois.to(DEVICE), 7, .25)
    assert torch.equal(got.cpu(), out)
    grad = torch.randn_like(out)
    with deterministic(ordered):
        value, = torch.autograd.grad(got, there, grad.to(DEVICE))
    wanted, = torch.autograd.grad(out, feats, grad)
    # In order it adds as the CPU does.
    assert torch.allclose(value.cpu(), wanted, rtol=0, atol=0 if ordered else 1e-4)


@pytest.mark.parametrize('ordered', [False, True])
def test_opcheck(ordered):
    maps, rois, levels = pyramid(channels=5, num=6)
    maps = [feat.to(DEVICE).requires_grad_() for feat in maps]
    rois, levels = rois.to(DEVICE), levels.to(DEVICE)
    boxes, scores, _ = boxes_of(20)
    with deterministic(ordered):
        opcheck(torch.ops.mmdet.roi_align.default, (maps, rois, levels, 3, 2, [.25, .125], 2))
        opcheck(torch.ops.mmdet.roi_pool.default, (maps[0], rois, 3, 2, .25))
        opcheck(torch.ops.mmdet.nms.default, (boxes.to(DEVICE), scores.to(DEVICE), None, .5, -1))
