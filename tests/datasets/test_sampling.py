"""Randomness of samples."""
import numpy as np
import pytest

from mmdet.datasets.sampling import item_rng, jitter_boxes, random_scale, reference_frame


def test_item_rng_depends_on_all_three():
    draws = {item_rng(*key).integers(2**62) for key in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]}
    assert len(draws) == 4
    assert item_rng(3, 4, 5).random() == item_rng(3, 4, 5).random()


def test_reference_is_uniform_over_the_others():
    rng, frames = np.random.default_rng(0), [2, 5, 6, 9]
    for frame in frames:
        counts = np.bincount([reference_frame(frames, frame, rng) for _ in range(3000)],
                             minlength=10)
        assert counts[frame] == 0 and counts.sum() == counts[frames].sum()
        assert counts[[f for f in frames if f != frame]].min() > 900
    assert reference_frame([4], 4, rng) == 4


def test_random_scale():
    rng = np.random.default_rng(0)
    assert random_scale([(640, 360)], rng) == (640, 360)
    drawn = np.array([random_scale([(600, 400), (603, 402)], rng) for _ in range(300)])
    assert set(drawn[:, 0]) == {600, 601, 602, 603} and set(drawn[:, 1]) == {400, 401, 402}
    scales = [(1, 2), (3, 4), (5, 6)]
    assert {random_scale(scales, rng) for _ in range(60)} == set(scales)


def test_jitter_stays_in_its_bounds():
    boxes = np.tile(np.float32([[40, 40, 60, 80]]), (2000, 1))
    got = jitter_boxes(boxes, (100, 200, 3), (0.1, 0.2), np.random.default_rng(0))
    centres, sizes = (got[:, :2] + got[:, 2:]) / 2, got[:, 2:] - got[:, :2]
    assert got.dtype == np.float32
    shift = abs(centres - [50, 60])
    assert (shift.max(0) <= [2.001, 4.001]).all() and (shift.max(0) > [1.9, 3.9]).all()
    np.testing.assert_allclose(sizes.min(0) / [20, 40], 0.8, atol=0.01)
    np.testing.assert_allclose(sizes.max(0) / [20, 40], 1.2, atol=0.01)


@pytest.mark.parametrize('boxes', [np.zeros((0, 4), np.float32), np.float32([[-50, 0, 190, 99]])])
def test_jitter_clips_to_the_frame(boxes):
    got = jitter_boxes(boxes, (100, 200, 3), (0.5, 0.5), np.random.default_rng(0))
    assert got.shape == boxes.shape and (got >= 0).all() and (got <= [200, 100, 200, 100]).all()
