"""The SSD augmentations: boxes follow the picture."""
import numpy as np
import pytest

from mmdet.datasets.annotations import FrameObjects
from mmdet.datasets.extra_aug import Expand, ExtraAugmentation, PhotoMetricDistortion, RandomCrop


def _scene():
    """Two bright boxes on black, as picture and as boxes."""
    img = np.zeros((80, 100, 3), np.uint8)
    boxes = np.float32([[10, 20, 29, 49], [60, 30, 79, 39]])
    for value, (x1, y1, x2, y2) in zip((100, 200), boxes.astype(int)):
        img[y1:y2 + 1, x1:x2 + 1] = value
    ignore = np.float32([[0, 0, 5, 5]])
    return img, FrameObjects(boxes, np.array([1, 2]), ignore, [7, 8])


def _bounds(img, value):
    ys, xs = np.nonzero((img == value).all(2))
    return [xs.min(), ys.min(), xs.max(), ys.max()]


@pytest.mark.parametrize('aug', [Expand(mean=(7, 8, 9)), RandomCrop()])
@pytest.mark.parametrize('seed', range(20))
def test_boxes_stay_on_the_picture(aug, seed):
    img, objects = _scene()
    got, moved = aug(img, objects, np.random.default_rng(seed))
    assert len(moved.boxes) == len(moved.labels) == len(moved.obj_ids) > 0
    for box, label in zip(moved.boxes, moved.labels):
        assert box.tolist() == _bounds(got, 100 * label)
    assert (_scene()[0] == img).all() and objects.boxes[0, 0] == 10  # inputs are left alone


def test_expand_fills_with_the_mean():
    img, objects = _scene()
    got = [
        Expand(mean=(7, 8, 9), ratio_range=(2, 2))(img, objects, np.random.default_rng(s))[0]
        for s in range(8)
    ]
    shapes = {g.shape for g in got}
    assert shapes == {(80, 100, 3), (160, 200, 3)}
    large = next(g for g in got if g.shape[0] == 160)
    assert (large == [9, 8, 7]).all(2).sum() == 160 * 200 - 80 * 100


def test_random_crop_keeps_the_overlap():
    img, objects = _scene()
    crop = RandomCrop(min_ious=(0.3,))
    crop.modes = [0.3]
    one = FrameObjects(objects.boxes[:1], objects.labels[:1], objects.boxes_ignore, [7])
    for seed in range(20):
        got, kept = crop(img, one, np.random.default_rng(seed))
        visible = (got == 100).all(2).sum()
        assert visible / (600 + got.shape[0] * got.shape[1] - visible) >= 0.3 - 1e-6


def test_photometric_changes_no_geometry():
    rng = np.random.default_rng(0)
    img, objects = rng.integers(0, 256, (8, 9, 3), np.uint8), _scene()[1]
    seen = [PhotoMetricDistortion()(img, objects, np.random.default_rng(s)) for s in range(10)]
    assert all(got.shape == img.shape and got.dtype == np.float32 and o is objects
               for got, o in seen)
    assert sum(not (got == img).all() for got, _ in seen) >= 8
    quiet = PhotoMetricDistortion(0, (1, 1), (1, 1), 0)
    got = quiet(img, objects, np.random.default_rng(5))[0]
    np.testing.assert_allclose(np.sort(got, 2), np.sort(img, 2),
                               atol=1e-3)  # channels may change places
    assert max(got.max() for got, _ in seen) > 255 and min(got.min() for got, _ in seen) < 0


def test_classic_keys_and_order():
    aug = ExtraAugmentation(random_crop=dict(min_ious=(0.5,)), photo_metric_distortion=dict(),
                            expand=None)
    assert [type(step).__name__ for step in aug.steps] == ['PhotoMetricDistortion', 'RandomCrop']
    img, objects = _scene()
    first, second = (aug(img, objects, np.random.default_rng(3))[0] for _ in range(2))
    assert first.shape == second.shape and (first == second).all()
    with pytest.raises(TypeError, match='extra_aug.*did you mean "random_crop"'):
        ExtraAugmentation(random_corp=dict())
