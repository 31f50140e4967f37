import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmdet.core import (bbox2delta, bbox2result, bbox2roi, bbox_flip, bbox_mapping,
                        bbox_mapping_back, delta2bbox)
from mmdet.core.bbox import boxes_to_network, boxes_to_original


def test_encode_by_hand():
    delta = bbox2delta(torch.tensor([[0., 0, 9, 19]]), torch.tensor([[5., 0, 24, 19]]))
    want = [[(14.5 - 4.5) / 10, 0, math.log(2), 0]]
    np.testing.assert_allclose(delta, want, atol=1e-6)


def test_decode_by_hand_clips_and_limits():
    roi = torch.tensor([[0., 0, 9, 9]])
    big = delta2bbox(roi, torch.tensor([[0., 0, 100, 0]]))
    width = 10 * 1000 / 16
    np.testing.assert_allclose(big[0, 2] - big[0, 0] + 1, width, rtol=1e-5)
    assert delta2bbox(roi, torch.tensor([[0., 0, 100, 0]]), max_shape=(50, 80)).tolist() == [
        [0, 0, 79, 9]]


boxes = st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(1, 60),
                           st.floats(1, 60)), min_size=1, max_size=8).map(
    lambda bs: torch.tensor([[x, y, x + w, y + h] for x, y, w, h in bs]))


@given(boxes, st.floats(0.5, 2))
def test_decode_inverts_encode(gt, factor):
    rois = gt * factor + 3
    deltas = bbox2delta(rois, gt, [0.1] * 4, [0.1, 0.1, 0.2, 0.2])
    back = delta2bbox(rois, deltas, [0.1] * 4, [0.1, 0.1, 0.2, 0.2])
    np.testing.assert_allclose(back, gt, atol=1e-2)


def test_decodes_every_class_by_itself():
    rois, deltas = torch.rand(6, 4) * 9, torch.randn(6, 12)
    rois[:, 2:] += 20
    both = delta2bbox(rois, deltas)
    for c in range(3):
        assert torch.allclose(both[:, 4 * c:4 * c + 4],
                              delta2bbox(rois, deltas[:, 4 * c:4 * c + 4]))
    assert delta2bbox(rois[:0], deltas[:0]).shape == (0, 12)


def test_flip_twice_is_nothing_and_by_hand():
    b = torch.tensor([[1., 2, 5, 6]])
    assert bbox_flip(b, (10, 20)).tolist() == [[14, 2, 18, 6]]
    assert torch.equal(bbox_flip(bbox_flip(b, (10, 20)), (10, 20)), b)


def test_mapping_there_and_back():
    b = torch.tensor([[1., 2, 5, 6]])
    for flip in (False, True):
        net = bbox_mapping(b, (30, 60), 3.0, flip)
        np.testing.assert_allclose(bbox_mapping_back(net, (30, 60), 3.0, flip), b)


@pytest.mark.parametrize('factor, want', [
    (2, [2., 4, 10, 12]), (np.float32(.5), [.5, 1, 2.5, 3]), (np.array(.5), [.5, 1, 2.5, 3]),
    ((2, 4, 2, 4), [2., 8, 10, 24]), (np.array([2, 4, 2, 4], np.float32), [2., 8, 10, 24])])
def test_scale_is_one_number_or_four(factor, want):
    boxes = torch.tensor([[1., 2, 5, 6]])
    assert boxes_to_network(boxes, factor).tolist() == [want]
    assert boxes_to_original(torch.tensor([want]).repeat(1, 2), factor).tolist() == [
        boxes[0].repeat(2).tolist()]
    assert boxes_to_original(boxes[:0], factor).shape == (0, 4)


def test_rois_and_results():
    rois = bbox2roi([torch.ones(2, 5), torch.zeros(0, 4), torch.full((1, 4), 7.)])
    assert rois[:, 0].tolist() == [0, 0, 2] and rois.shape == (3, 5)
    result = bbox2result(torch.arange(10.).view(2, 5), torch.tensor([2, 0]), 4)
    assert [len(r) for r in result] == [1, 0, 1] and result[2][0, 0] == 0
