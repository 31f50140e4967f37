"""View: one geometry for pictures, boxes and masks."""
import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.datasets.transforms import View, check_scales


def test_shapes_at_the_classic_scale():
    view = View.of((720, 1280), (640, 360), size_divisor=32)
    assert (view.img_shape, view.pad_shape, view.scale_factor) == ((360, 640, 3), (384, 640, 3),
                                                                   0.5)
    view = View.of((1280, 720), (640, 360))  # upright: the long edge is the height
    assert view.img_shape == view.pad_shape == (640, 360, 3)


def test_boxes_by_hand():
    boxes = np.float32([[10, 20, 30, 40], [-5, 0, 99, 80]])
    view = View((40, 50, 3), (64, 64, 3), 0.5, False)
    assert view.boxes(boxes).tolist() == [[5, 10, 15, 20], [0, 0, 49.5, 40]]
    flipped = View((40, 50, 3), (64, 64, 3), 0.5, True)
    assert flipped.boxes(boxes).tolist() == [[34, 10, 44, 20], [0, 0, 50, 40]]
    assert boxes[0, 0] == 10  # not in place


def test_stretched():
    view = View.of((100, 200), (300, 300), keep_ratio=False)
    assert view.img_shape == (300, 300, 3)
    assert view.boxes(np.float32([[10, 10, 20, 20]])).tolist() == [[15, 30, 30, 60]]
    assert view.masks([np.ones((100, 200), np.uint8)]).sum() == 300 * 300


def test_nothing_annotated():
    view = View.of((30, 40), (80, 60), flip=True, size_divisor=32)
    assert view.boxes(np.zeros((0, 4), np.float32)).shape == (0, 4)
    assert view.masks([]).shape == (0, 64, 96)


def test_image_is_bilinear_on_uint8():
    img = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    got = View.of((30, 40), (60, 45), flip=True).image(img)
    want = cv2.resize(img, (60, 45), interpolation=cv2.INTER_LINEAR)[:, ::-1]
    assert got.dtype == torch.uint8 and (got.numpy() == want).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(8, 200), st.integers(8, 200), st.integers(8, 300), st.integers(8, 300),
       st.booleans(), st.integers(0, 2 ** 31))
def test_boxes_stay_on_their_masks(height, width, long, short, flip, seed):
    rng = np.random.default_rng(seed)
    x1, x2 = sorted(rng.integers(0, width, 2))
    y1, y2 = sorted(rng.integers(0, height, 2))
    mask = np.zeros((height, width), np.uint8)
    mask[y1:y2 + 1, x1:x2 + 1] = 1
    view = View.of((height, width), (long, short), flip, 32)
    ys, xs = np.nonzero(view.masks([mask])[0])
    box = view.boxes(np.float32([[x1, y1, x2, y2]]))[0]
    assert view.pad_shape[0] % 32 == view.pad_shape[1] % 32 == 0
    assert (box >= 0).all() and (box <= np.array(view.img_shape)[[1, 0, 1, 0]]).all()
    if len(xs):  # a shrunk mask may vanish
        slack = view.scale_factor + 1.5
        assert (abs(box - [xs.min(), ys.min(), xs.max(), ys.max()]) <= slack).all()


@pytest.mark.parametrize('given_, scales', [((640, 360), [(640, 360)]), ([640, 360], [(640, 360)]),
                                            ([(1, 2), [3, 4]], [(1, 2), (3, 4)])])
def test_check_scales(given_, scales):
    assert check_scales(given_, 'x') == scales


@pytest.mark.parametrize('wrong', [640, [], [(1, 2, 3)], (0, 5), 'big', [None]])
def test_wrong_scales(wrong):
    with pytest.raises(ValueError, match='img_scale'):
        check_scales(wrong, 'x')
