"""The hard scenes hold what they promise, and the easy ones are what they were."""
import dataclasses

import numpy as np
import pytest

from mmdet.curation import hard_shapes
from mmdet.curation.shapes import MIN_VISIBLE, PRESETS, ShapesSpec, draw_video

HARD = PRESETS['hard']
AREAS = [[467, 460, 449], [103, 0, 0], [625, 649, 653]]  # as drawn before there were hard scenes
MEAN = 59.2135


@pytest.fixture(scope='module')
def scenes():
    """Labels and masks of a few videos."""
    return [draw_video(HARD, 'train', index)[1:] for index in range(6)]


def longest_gap(seen):
    """Most frames in a row that an object is away between two where it is seen."""
    at = np.flatnonzero(seen)
    return int(np.diff(at).max() - 1) if len(at) > 1 else 0


def test_the_same_again_and_masks_that_do_not_overlap(scenes):
    frames, labels, masks = draw_video(HARD, 'train', 0)
    assert frames.shape == (36, 128, 192, 3) and labels == scenes[0][0]
    assert (masks == scenes[0][1]).all() and masks.sum(0).max() == 1
    assert (frames != draw_video(HARD, 'val', 0)[0]).mean() > 0.5


def test_objects_are_away_for_long_and_come_back(scenes):
    gaps = [longest_gap(track.sum((1, 2)) >= MIN_VISIBLE) for _, masks in scenes for track in masks]
    assert np.mean([gap >= 5 for gap in gaps]) > 0.3 and max(gaps) >= 10


def test_look_alikes_cross():
    crossed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        actors, _ = hard_shapes.hard_actors(rng, 36, (192, 128), 5, 3, lambda rng: None)
        for i, one in enumerate(actors):
            for other in actors[:i]:
                alike = (one['label'] == other['label']
                         and np.abs(one['color'] - other['color']).max() <= 16)
                apart = np.linalg.norm(one['path'] - other['path'], axis=1)
                crossed += alike and apart.min() < 12 and apart.max() > 40
    assert crossed >= 17


def test_an_object_that_hides_cannot_be_seen():
    rng = np.random.default_rng(0)
    for _ in range(20):
        pillars = hard_shapes._pillars(rng, 192)
        radius = hard_shapes.RADIUS[1] * 128
        path = hard_shapes._hiding(rng, 36, (192, 128), radius, pillars)
        hidden = [any(first <= x - radius and x + radius <= last for first, last in pillars)
                  for x in path[:, 0]]
        assert 5 <= sum(hidden) < 30


def test_some_frames_are_blurred():
    smear = hard_shapes.shaking(np.random.default_rng(1), 36)
    assert 2 <= (smear > 1).any(1).sum() <= 20
    frame = np.zeros((8, 9, 3))
    frame[4, 4] = 90
    assert hard_shapes.smeared(frame, np.array([3, 1]))[4, 3:6, 0].tolist() == [30, 30, 30]
    assert hard_shapes.smeared(frame, np.array([1, 1])) is frame


def test_easy_scenes_are_drawn_as_ever():
    frames, labels, masks = draw_video(ShapesSpec(length=3, size=(96, 64)), 'train', 0)
    assert labels == [1, 2, 0] and masks.sum((2, 3)).tolist() == AREAS
    assert abs(frames.mean() - MEAN) < 0.01
    assert 'preset' not in ShapesSpec().as_json() and HARD.as_json()['preset'] == 'hard'
    with pytest.raises(ValueError, match='preset: expected easy or hard, got medium'):
        dataclasses.replace(HARD, preset='medium')
