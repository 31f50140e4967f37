"""The operators against the numbers recorded from the 2019 code."""
import numpy as np
import pytest
import torch

from mmdet.ops import nms, roi_align, soft_nms


def make_dets(seed, n):
    rng = np.random.RandomState(seed)
    xy = rng.uniform(0, 300, (n, 2))
    wh = rng.uniform(5, 120, (n, 2))
    scores = rng.permutation(n)[:, None] / max(n, 1)
    return np.hstack([xy, xy + wh, scores]).astype(np.float32)


@pytest.mark.parametrize('number', range(4))
def test_roi_align(golden, number):
    case = golden('model/ops')['roi_align'][number]
    feats = torch.tensor(case['features'], dtype=torch.float64, requires_grad=True)
    rois = torch.tensor(case['rois'], dtype=torch.float64)
    size = case['out_size'] if isinstance(case['out_size'], int) else tuple(case['out_size'])
    out = roi_align(feats, rois, size, case['spatial_scale'], case['sample_num'])
    assert np.allclose(out.detach(), case['output'], rtol=0, atol=1e-9)
    rng = np.random.RandomState(case['grad_output_seed'])
    out.backward(torch.from_numpy(rng.randn(*out.shape)))
    assert np.allclose(feats.grad, case['grad_features'], rtol=0, atol=1e-9)


@pytest.mark.parametrize('number', range(5))
def test_nms(golden, number):
    case = golden('model/ops')['nms'][number]
    dets = make_dets(case['seed'], case['n'])
    rows, inds = nms(torch.from_numpy(dets), case['iou_thr'])
    assert inds.tolist() == case['keep']
    assert torch.equal(rows, torch.from_numpy(dets)[inds])


@pytest.mark.parametrize('number', range(6))
def test_soft_nms(golden, number):
    case = golden('model/ops')['soft_nms'][number]
    rows, inds = soft_nms(make_dets(case['seed'], case['n']), case['iou_thr'], case['method'],
                          case['sigma'], case['min_score'])
    assert inds.tolist() == case['inds']
    assert np.allclose(rows, np.array(case['dets']).reshape(-1, 5), atol=1e-4)
