"""Mask to RLE: bit-equal to resize, threshold, paste and pycocotools."""
import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from mmdet.ops import library, mask_to_rle

EDGE = st.floats(-30, 90, width=32)


def oracle(prob, box, height, width, threshold=.5):
    """Pixel by pixel onto a canvas, then pycocotools."""
    x1, y1, x2, y2 = np.trunc(box).astype(int)
    size = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    patch = cv2.resize(prob, tuple(map(int, size)), interpolation=cv2.INTER_LINEAR)
    canvas = np.zeros((height, width), np.uint8)
    for y, x in np.argwhere(patch > np.float32(threshold)):
        if 0 <= y + y1 < height and 0 <= x + x1 < width:
            canvas[y + y1, x + x1] = 1
    return coco_mask.encode(np.asfortranarray(canvas))


def smooth(rng, n):
    noise = rng.random((n, 28, 28), dtype=np.float32)
    return np.stack([cv2.GaussianBlur(one, (0, 0), 3) for one in noise]) if n else noise


@settings(max_examples=1500, deadline=None)
@given(st.tuples(EDGE, EDGE, EDGE, EDGE), st.integers(1, 60), st.integers(1, 60),
       st.integers(0, 2**32 - 1), st.sampled_from([.5, .5, .3, 0, 1]))
def test_bit_equal(box, height, width, seed, threshold):
    rng = np.random.default_rng(seed)
    probs = smooth(rng, 1) if seed % 2 else rng.random((1, 28, 28), dtype=np.float32)
    boxes = np.array([box], np.float32)
    got = mask_to_rle(torch.from_numpy(probs), torch.from_numpy(boxes), height, width, threshold)
    assert got == [oracle(probs[0], boxes[0], height, width, threshold)]


def test_many_large_boxes(monkeypatch):
    rng = np.random.default_rng(0)
    probs = smooth(rng, 12)
    boxes = np.concatenate([rng.uniform(-50, 700, (12, 2)), rng.uniform(300, 1300, (12, 2))], 1)
    wanted = [oracle(prob, box, 720, 1280) for prob, box in zip(probs, boxes)]
    assert mask_to_rle(probs, boxes, 720, 1280) == wanted
    monkeypatch.setattr(library, '_cpu_problem', 'is hidden')
    assert mask_to_rle(probs, boxes, 720, 1280) == wanted


@pytest.mark.parametrize('value', [0., 1.])
def test_full_and_empty(value):
    probs = np.full((1, 28, 28), value, np.float32)
    rle, = mask_to_rle(probs, np.array([[0, 0, 6, 4.]]), 5, 7)
    assert coco_mask.area(rle) == 35 * value and rle['size'] == [5, 7]
    assert rle == oracle(probs[0], [0, 0, 6, 4], 5, 7)


def test_no_objects():
    assert mask_to_rle(torch.zeros(0, 28, 28), torch.zeros(0, 4), 5, 7) == []


@pytest.mark.parametrize('boxes, words', [
    ([[0, 0, 5]], r'\(n, 4\), got'), ([[0, 0, math.nan, 5]], 'box 0 .*nan.*clip'),
    ([[0, 0, 1e9, 1e9]], 'clip them'), ([[0, 0, math.inf, 5]], 'finite')])
def test_errors(boxes, words):
    with pytest.raises(ValueError, match=words):
        mask_to_rle(np.zeros((1, 28, 28), np.float32), np.array(boxes), 5, 7)
