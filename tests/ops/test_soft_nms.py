"""Soft-NMS: the compiled loop, the NumPy path and a plain oracle agree."""
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.ops import soft_nms
from mmdet.ops.pure.soft_nms import soft_nms as plain

ROW = st.tuples(*[st.integers(0, 30).map(float)] * 4, st.sampled_from([.05, .3, .3, .8]))


def make(n):
    rng = np.random.default_rng(n)
    corner, size = rng.uniform(0, 80, (n, 2)), rng.uniform(1, 40, (n, 2))
    return np.hstack([corner, corner + size, rng.random((n, 1))]).astype(np.float32)


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, max_size=10), st.sampled_from(['linear', 'gaussian']))
def test_compiled_equals_plain(rows, method):
    dets = np.array(rows, np.float32).reshape(-1, 5)
    got, inds = soft_nms(dets, .3, method, .5, .01)
    wanted, order = dets.copy(), np.arange(len(dets))
    count = plain(wanted, order, .3, method == 'gaussian', .5, .01)
    assert inds.tolist() == order[:count].tolist()
    assert np.allclose(got, wanted[:count], rtol=0, atol=1e-6)


def test_hand_computed():
    # IoU of 10 x 10 boxes shifted by 5 is 1 / 3.
    dets = np.array([[0, 0, 9, 9, .9], [5, 0, 14, 9, .6], [50, 0, 59, 9, .5]], np.float32)
    assert np.allclose(soft_nms(dets, .3)[0][:, 4], [.9, .5, .4])
    assert soft_nms(dets, .3)[1].tolist() == [0, 2, 1]
    assert np.allclose(soft_nms(dets, .4)[0][:, 4], [.9, .6, .5])
    gaussian = soft_nms(dets, .3, 'gaussian', sigma=.5)[0][:, 4]
    assert np.allclose(gaussian, [.9, .5, .6 * np.exp(-2 / 9)])


def test_scores_fall_and_rows_stay():
    dets = make(200)
    rows, inds = soft_nms(dets, .3, 'gaussian')
    assert (rows[:, 4] <= dets[inds, 4] + 1e-7).all() and (np.diff(rows[:, 4]) <= 0).all()
    assert np.array_equal(rows[:, :4], dets[inds, :4]) and len(set(inds.tolist())) == len(inds)


def test_types_empty_nan():
    dets = torch.from_numpy(make(20)).double()
    rows, inds = soft_nms(dets, .3)
    assert rows.dtype == torch.float64 and inds.dtype == torch.int64
    assert [len(part) for part in soft_nms(dets[:0], .3)] == [0, 0]
    dets[3, 1] = float('nan')
    assert 3 not in soft_nms(dets, .3)[1].tolist()


def test_errors():
    with pytest.raises(ValueError, match="'linear', 'gaussian'.*'hard'"):
        soft_nms(make(3), .3, 'hard')
    with pytest.raises(ValueError, match=r'\(n, 5\), got \(3, 4\)'):
        soft_nms(make(3)[:, :4], .3)
