import cv2
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_util

from mmdet.core import mask_targets, paste_and_encode


def test_target_crops_the_truncated_box():
    mask = torch.zeros(1, 8, 8, dtype=torch.uint8)
    mask[0, 2:6, 4:8] = 1
    boxes, inds = torch.tensor([[2.9, 2.2, 7.9, 5.9]]), torch.tensor([0])
    target = mask_targets([boxes], [inds], [mask], 6)
    want = cv2.resize(mask[0, 2:6, 2:8].numpy(), (6, 6), interpolation=cv2.INTER_LINEAR)
    assert target.shape == (1, 6, 6) and np.array_equal(target[0], want)
    assert set(target.unique().tolist()) <= {0., 1.}


def test_targets_follow_the_assigned_object_over_images():
    masks = [torch.stack([torch.zeros(4, 4), torch.ones(4, 4)]).byte(), torch.zeros(0, 4, 4).byte()]
    boxes = [torch.tensor([[0., 0, 3, 3]] * 2), torch.zeros(0, 4)]
    inds = [torch.tensor([1, 0]), torch.zeros(0, dtype=torch.long)]
    assert mask_targets(boxes, inds, masks, 2).mean((1, 2)).tolist() == [1, 0]
    assert mask_targets(boxes[1:], inds[1:], masks[1:], 2).shape == (0, 2, 2)


def test_degenerate_box_gives_one_pixel():
    mask = torch.ones(1, 8, 8, dtype=torch.uint8)
    target = mask_targets([torch.tensor([[5., 5, 3, 3]])], [torch.tensor([0])], [mask], 3)
    assert target.min() == 1


def slow_paste(prob, box, h, w):
    """Paste on a canvas large enough for any box, then cut the image out."""
    x1, y1, x2, y2 = box.astype(np.int32)
    bw, bh = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    big = np.zeros((h + 400, w + 400), np.uint8)
    big[y1 + 200:y1 + 200 + bh, x1 + 200:x1 + 200 + bw] = cv2.resize(prob, (bw, bh)) > .5
    return big[200:200 + h, 200:200 + w]


@settings(max_examples=60, deadline=None)
@given(st.integers(-20, 60), st.integers(-20, 50), st.integers(-3, 50), st.integers(-3, 50),
       st.integers(0, 99))
def test_paste_equals_the_slow_canvas(x, y, w, h, seed):
    prob = np.random.RandomState(seed).rand(28, 28).astype(np.float32)
    box = np.array([[x + .7, y + .2, x + w + .9, y + h + .4]], np.float32)
    rle, = paste_and_encode(prob[None], box, 48, 64)
    assert rle['size'] == [48, 64]
    assert np.array_equal(mask_util.decode(rle), slow_paste(prob, box[0], 48, 64))


def test_paste_nothing():
    assert paste_and_encode(np.zeros((0, 28, 28), np.float32), np.zeros((0, 4)), 5, 5) == []
