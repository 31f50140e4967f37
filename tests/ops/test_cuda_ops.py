"""CPU against CUDA; runs wherever a GPU and the compiled CUDA library are."""
import pytest
import torch

from mmdet import ops
from mmdet.ops import library

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available() or library._cuda_problem is not None,
                       reason='no GPU, or the CUDA operators were not built')]


def pyramid(dtype=torch.float32, layout=torch.contiguous_format):
    maps = [torch.randn(2, 40, side, side + 9).to(dtype).contiguous(memory_format=layout)
            for side in (24, 12)]
    rois = torch.rand(50, 5) * 150 - 20
    rois[:, 3:] += rois[:, 1:3].clamp(min=-5) * .7
    rois[:, 0] = torch.randint(0, 2, (50,))
    return maps, rois, torch.randint(0, 2, (50,))


def run(device, maps, rois, levels, sample_num):
    maps = [feat.to(device).requires_grad_() for feat in maps]
    out = ops.multi_level_roi_align(maps, rois.to(device), levels.to(device), 7, (.25, .125),
                                    sample_num)
    grads = torch.autograd.grad(out.float().square().sum(), maps)
    return [value.cpu() for value in (out, *grads)]


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('dtype, atol', [(torch.float64, 1e-10), (torch.float32, 1e-3),
                                         (torch.float16, .2), (torch.bfloat16, 1.)])
@pytest.mark.parametrize('deterministic', [False, True])
def test_roi_align(dtype, atol, layout, deterministic):
    case = pyramid(dtype, layout)
    for sample_num in (0, 2):
        torch.use_deterministic_algorithms(deterministic)
        try:
            got = run('cuda', *case, sample_num)
        finally:
            torch.use_deterministic_algorithms(False)
        for value, wanted in zip(got, run('cpu', *case, sample_num)):
            assert torch.allclose(value.double(), wanted.double(), rtol=1e-2, atol=atol)


def test_deterministic_backward_repeats():
    maps, rois, levels = pyramid()
    torch.use_deterministic_algorithms(True)
    try:
        first, second = (run('cuda', maps, rois, levels, 2) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(first, second))


@pytest.mark.parametrize('n', [0, 1, 63, 64, 65, 2000])
@pytest.mark.parametrize('max_num', [-1, 7])
def test_nms(n, max_num):
    boxes = torch.rand(n, 4) * 300
    boxes[:, 2:] = boxes[:, :2] + boxes[:, 2:] / 3
    boxes[:n // 5, 1] = float('nan')
    args = boxes, torch.rand(n), torch.randint(0, 5, (n,))
    wanted = ops.batched_nms(*args, .4, max_num)
    assert torch.equal(ops.batched_nms(*(a.cuda() for a in args), .4, max_num).cpu(), wanted)


def test_roi_pool():
    maps, rois, _ = pyramid()
    feats = maps[0].requires_grad_()
    there = feats.detach().cuda().requires_grad_()
    out, got = ops.roi_pool(feats, rois, 7, .25), ops.roi_pool(there, rois.cuda(), 7, .25)
    assert torch.equal(got.cpu(), out)
    out.sum().backward()
    got.sum().backward()
    assert torch.allclose(there.grad.cpu(), feats.grad)
