"""Overlaps of masks in their boxes, against masks painted into a frame."""
import pytest
import torch

from mmdet.core.mask import mask_overlaps, overlaps


def painted(boxes, masks, side):
    """(n, side, side) where cells are whole pixels."""
    frame = torch.zeros(len(boxes), side, side, dtype=torch.bool)
    for canvas, (x1, y1, x2, y2), mask in zip(frame, boxes.long().tolist(), masks):
        h, w = (y2 - y1 + 1) // mask.shape[0], (x2 - x1 + 1) // mask.shape[1]
        canvas[y1:y2 + 1, x1:x2 + 1] = mask.repeat_interleave(h, 0).repeat_interleave(w, 1)
    return frame.flatten(1).float()


def random_masks(count, seed, side=64):
    """Boxes of 8 or 16 pixels on a grid of 2, masks of 4x4 cells."""
    g = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, (side - 16) // 2, (count, 2), generator=g) * 2
    size = 8 * torch.randint(1, 3, (count, 1), generator=g)
    boxes = torch.cat([corner, corner + size - 1], dim=1).float()
    return boxes, torch.rand(count, 4, 4, generator=g) < .7


@pytest.mark.parametrize('pairs', [3, 4096])
def test_as_painted(monkeypatch, pairs):
    monkeypatch.setattr(overlaps, 'PAIRS', pairs)
    (b1, m1), (b2, m2) = random_masks(30, 0), random_masks(40, 1)
    small = b1[:, 2] - b1[:, 0] < 8  # its cells of 2 pixels never straddle those of another mask
    p1, p2 = painted(b1, m1, 64), painted(b2, m2, 64)
    inter = p1 @ p2.T
    want = inter / (p1.sum(1)[:, None] + p2.sum(1) - inter)
    got = mask_overlaps(b1, m1, b2, m2)
    torch.testing.assert_close(got[small], want[small])
    assert (want[small] > 0).sum() > 50
    assert (got - want).abs().mean() < .01


def test_edges():
    boxes, masks = random_masks(3, 0)
    assert mask_overlaps(boxes, masks, boxes[:0], masks[:0]).shape == (3, 0)
    assert mask_overlaps(boxes[:0], masks[:0, :1, :1], boxes, masks).shape == (0, 3)
    nothing = torch.zeros_like(masks)
    assert mask_overlaps(boxes, nothing, boxes, masks).eq(0).all()
    assert mask_overlaps(boxes, nothing, boxes, nothing).eq(0).all()
    torch.testing.assert_close(mask_overlaps(boxes, masks, boxes, masks).diag(), torch.ones(3))


def test_on_a_device(pretend):
    (b1, m1), (b2, m2) = random_masks(9, 0), random_masks(7, 1)
    there = [pretend.put(x) for x in (b1, m1, b2, m2)]
    with pretend.counting() as waits:
        got = mask_overlaps(*there)
    assert len(waits) == 1  # for the pairs of boxes that overlap
    assert got.device == pretend.device and torch.equal(got.cpu(), mask_overlaps(b1, m1, b2, m2))
