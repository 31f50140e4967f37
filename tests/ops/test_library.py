"""The compiled library: PyTorch's own checks, tracing, and life without it."""
import logging

import pytest
import torch
from torch.library import opcheck

from mmdet import ops
from mmdet.ops import library

needs_library = pytest.mark.skipif(library._cpu_problem is not None, reason='operators not built')
ROIS = torch.tensor([[0, 1, 1, 20, 20.], [1, -5, 3, 10, 40]])


def maps(**kwargs):
    return [torch.randn(2, 5, 8, 9, requires_grad=True, **kwargs),
            torch.randn(2, 5, 4, 5, requires_grad=True, **kwargs)]


@needs_library
@pytest.mark.parametrize('args', [
    ('roi_align', maps(), ROIS, torch.tensor([0, 1]), 3, 2, [.25, .125], 2),
    ('roi_align', maps(dtype=torch.float64)[:1], ROIS, None, 3, 2, [.25], 0),
    ('roi_align_backward', torch.randn(2, 5, 3, 2), ROIS, None, 2, [8, 9], [.25], 2, True),
    ('roi_pool', maps()[0], ROIS, 3, 2, .25),
    ('roi_pool_backward', torch.randn(2, 5, 3, 2), torch.zeros(2, 5, 3, 2).long(), ROIS, 2, 8, 9),
    ('nms', torch.rand(9, 4), torch.rand(9), None, .5, -1),
    ('nms', torch.rand(9, 4), torch.rand(9), torch.zeros(9).long(), .5, 3),
    ('paste_rle', torch.rand(9, 4), 1, -2, 20, 30, .5)], ids=lambda args: args[0])
def test_opcheck(args):
    opcheck(getattr(torch.ops.mmdet, args[0]).default, args[1:])


@needs_library
@pytest.mark.filterwarnings('ignore')
def test_compiles_whole():
    def run(first, second, dets, labels):
        pooled = ops.multi_level_roi_align((first, second), ROIS, torch.tensor([0, 1]), 7,
                                           (.25, .125), 2)
        kept, inds = ops.nms(dets, .5)
        more = ops.batched_nms(dets[:, :4], dets[:, 4], labels, .5)
        peaks = ops.roi_pool(first, ROIS, 3, .25)
        return pooled.square().sum() + peaks.sum() + kept.sum() + inds.sum() + more.sum()

    first, second = maps()
    args = first, second, torch.rand(20, 5) * 9, torch.randint(0, 3, (20,))
    wanted = run(*args)
    gradient, = torch.autograd.grad(wanted, first)
    got = torch.compile(run, fullgraph=True, backend='aot_eager')(*args)
    assert torch.allclose(got, wanted)
    assert torch.allclose(torch.autograd.grad(got, first)[0], gradient)


def test_works_without_and_says_so_once(monkeypatch):
    dets = torch.rand(50, 5) * 30
    wanted = ops.nms(dets, .4)[1], ops.roi_align(maps()[0] * 0 + 1, ROIS, 3, .25)
    monkeypatch.setattr(library, '_cpu_problem', 'was not built')
    monkeypatch.setattr(library, '_said', set())
    said = []
    monkeypatch.setattr(logging.getLogger('mmdet'), 'warning', said.append)
    got = ops.nms(dets, .4)[1], ops.roi_align(maps()[0] * 0 + 1, ROIS, 3, .25)
    ops.batched_nms(dets[:, :4], dets[:, 4], torch.zeros(50).long(), .4)
    assert torch.equal(got[0], wanted[0]) and torch.allclose(got[1], wanted[1])
    assert said == [
        'mmdet.ops: the compiled library for cpu was not built; using the slower PyTorch path '
        '(run "bash compile.sh" to build it)']


def test_library_of_another_torch_is_refused(tmp_path, monkeypatch):
    (tmp_path / 'libold.so').touch()
    (tmp_path / 'libold.json').write_text('{"torch": "1.0"}')
    monkeypatch.setattr(library, 'FOLDER', tmp_path)
    assert library._load('old').startswith('was built for torch 1.0')
    assert library._load('absent') == 'was not built'


@needs_library
@pytest.mark.parametrize('change, error, words', [
    (dict(grad=torch.zeros(3, 5, 3, 2)), ValueError, '3 gradients and 2 rois'),
    (dict(sizes=[8, 9, 4, 5]), ValueError, '4 sizes and 1 scales'),
    (dict(sizes=[], scales=[]), ValueError, 'at least one scale, got 0'),
    (dict(sizes=[8, 0]), ValueError, r'must be positive, got \[8, 0\]'),
    (dict(num_images=-1), ValueError, 'number of images is -1'),
    (dict(levels=torch.zeros(2).int()), TypeError, 'levels must be int64, got Int')])
def test_roi_align_backward_refuses(change, error, words):
    args = dict(grad=torch.zeros(2, 5, 3, 2), rois=ROIS, levels=None, num_images=2, sizes=[8, 9],
                scales=[.25], sample_num=2, channels_last=False)
    with pytest.raises(error, match=words):
        torch.ops.mmdet.roi_align_backward(*{**args, **change}.values())


@needs_library
@pytest.mark.parametrize('change, error, words', [
    (dict(argmax=torch.zeros(2, 5, 2, 3).long()), ValueError,
     r'must be \[2, 5, 3, 2\].*\[2, 5, 2, 3\]'),
    (dict(argmax=torch.zeros(2, 5, 3, 2).int()), TypeError, 'argmax must be int64, got Int'),
    (dict(rois=ROIS[:1]), ValueError, '2 gradients and 1 rois'),
    (dict(rois=ROIS + 1), ValueError, r'image index of a RoI is 2, expected \[0, 2\)'),
    (dict(height=0), ValueError, r'must be positive, got \[0, 9\]')])
def test_roi_pool_backward_refuses(change, error, words):
    args = dict(grad=torch.zeros(2, 5, 3, 2), argmax=torch.zeros(2, 5, 3, 2).long(), rois=ROIS,
                num_images=2, height=8, width=9)
    with pytest.raises(error, match=words):
        torch.ops.mmdet.roi_pool_backward(*{**args, **change}.values())


@needs_library
def test_argmax_outside_the_map_is_dropped():
    argmax = torch.tensor([-1, 72, 2**40, 71, 0, 5]).view(1, 1, 3, 2)
    got = torch.ops.mmdet.roi_pool_backward(torch.ones(1, 1, 3, 2), argmax, ROIS[:1], 1, 8, 9)
    assert got.flatten().nonzero()[:, 0].tolist() == [0, 5, 71] and got.sum() == 3


@needs_library
def test_cpp_refuses_with_values():
    align = torch.ops.mmdet.roi_align
    with pytest.raises(ValueError, match=r'rois must be \(R, 5\).*\[2, 4\]'):
        align(maps()[:1], torch.zeros(2, 4), None, 3, 3, [1.], 2)
    with pytest.raises(TypeError, match='levels must be int64, got Float'):
        align(maps(), ROIS, torch.zeros(2), 3, 3, [1., 1.], 2)
    with pytest.raises(ValueError, match='needed to tell 2 maps apart'):
        align(maps(), ROIS, None, 3, 3, [1., 1.], 2)
    with pytest.raises(ValueError, match=r'scores must be \(3,\), got \[2\]'):
        torch.ops.mmdet.nms(torch.zeros(3, 4), torch.zeros(2), None, .5, -1)
