"""Pictures of objects: right pixels, right colours, nothing modified."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.visualization import draw_tracks, object_color, upscale_factor
from mmdet.visualization.draw import blend_mask, label_text
from mmdet.visualization.labels import place_label, text_size

BOX = np.array([[10, 20, 29, 39]], np.float32)


def square_mask():
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 10:30] = 1
    return mask


def test_colors_are_stable_and_apart():
    assert object_color(0) == (38, 38, 255)
    colors = np.array([object_color(i) for i in range(1000)])
    assert len(np.unique(colors[:24], axis=0)) == 24
    near = [np.abs(colors[i] - colors[j]).sum() for i in range(8) for j in range(i)]
    assert min(near) > 100
    with pytest.raises(ValueError, match='got -1'):
        object_color(-1)


def test_blend_tints_only_the_mask():
    canvas = np.full((60, 80, 3), 100, np.uint8)
    blend_mask(canvas, square_mask(), (200, 0, 0), 0.5, 1)
    assert canvas[30, 20].tolist() == [150, 50, 50]
    assert canvas[20, 20, 0] > 180 and canvas[20, 20, 1] < 20  # the outline
    assert canvas[10, 5].tolist() == [100, 100, 100]


def test_draw_leaves_the_frame_alone_and_takes_rle():
    frame = np.full((60, 80, 3), 100, np.uint8)
    rle = mask_utils.encode(np.asfortranarray(square_mask()))
    from_rle = draw_tracks(frame, BOX, [0], [7], [rle])
    from_array = draw_tracks(frame, BOX, [0], [7], [square_mask()])
    assert (from_rle == from_array).all() and (frame == 100).all()
    expected = np.round(0.55 * 100 + 0.45 * np.array(object_color(7)))
    assert np.abs(from_rle[37, 25] - expected).max() <= 1


def test_draw_without_objects_or_masks():
    frame = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)
    assert (draw_tracks(frame, np.zeros((0, 4)), [], [], []) == frame).all()
    boxed = draw_tracks(frame, BOX, [0], [300], [])
    assert boxed[39, 29].tolist() == list(object_color(300))
    empty = np.zeros((60, 80), np.uint8)
    assert (draw_tracks(frame, BOX, [0], [300], [empty]) == boxed).all()


def test_small_frames_are_enlarged():
    assert [upscale_factor(*s) for s in ((128, 192), (360, 640), (720, 1280))] == [3, 1, 1]
    frame = np.zeros((128, 192, 3), np.uint8)
    picture = draw_tracks(frame, BOX, [1], [0], [], [.5], ('a', 'b'), scale=3)
    assert picture.shape == (384, 576, 3)
    assert picture[119, 89].tolist() == list(object_color(0))


def test_the_truth_has_no_score():
    assert label_text(1, .456, 7, ('a', 'b')) == 'b 0.46 #7'
    assert label_text(1, None, 7) == 'class 1 #7'


@pytest.mark.parametrize('count', [2, 5])
def test_labels_stay_inside_and_apart(count):
    size, taken = text_size('person 0.98 #3', 0.4), []
    for _ in range(count):
        taken.append(place_label((150, 2, 190, 40), size, taken, (384, 576)))
    for i, (x1, y1, x2, y2) in enumerate(taken):
        assert 0 <= x1 < x2 <= 576 and 0 <= y1 < y2 <= 384
        for other in taken[:i]:
            assert x2 <= other[0] or other[2] <= x1 or y2 <= other[1] or other[3] <= y1
