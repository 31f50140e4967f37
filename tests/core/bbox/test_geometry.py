import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmdet.core import bbox_overlaps

corner = st.integers(0, 60)
box = st.tuples(corner, corner, st.integers(0, 40), st.integers(0, 40)).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])


def pixels(b):
    return {(x, y) for x in range(b[0], b[2] + 1) for y in range(b[1], b[3] + 1)}


@given(box, box)
def test_equals_counting_pixels(a, b):
    both, either = len(pixels(a) & pixels(b)), len(pixels(a) | pixels(b))
    ta, tb = torch.tensor([a]).float(), torch.tensor([b]).float()
    assert bbox_overlaps(ta, tb).item() == pytest.approx(both / either)
    assert bbox_overlaps(ta, tb, 'iof').item() == pytest.approx(both / len(pixels(a)))


def test_aligned_is_the_diagonal():
    a, b = torch.rand(5, 4) * 50, torch.rand(5, 4) * 50
    a[:, 2:] += a[:, :2]
    b[:, 2:] += b[:, :2]
    assert torch.equal(bbox_overlaps(a, b, is_aligned=True), bbox_overlaps(a, b).diag())


def test_empty_and_bad():
    assert bbox_overlaps(torch.zeros(0, 4), torch.zeros(3, 4)).shape == (0, 3)
    with pytest.raises(ValueError, match="'iou' or 'iof', got 'giou'"):
        bbox_overlaps(torch.zeros(1, 4), torch.zeros(1, 4), 'giou')
    with pytest.raises(ValueError, match='differ in number: 1 and 2'):
        bbox_overlaps(torch.zeros(1, 4), torch.zeros(2, 4), is_aligned=True)
