"""Masks on a grid and as outlines."""
import re

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmdet.visualization.error_page.outlines import grid_step, outlines, sample_masks


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 23), st.integers(1, 19), st.integers(1, 6), st.integers(0, 2**31 - 1))
def test_samples_are_those_of_the_decoded_mask(height, width, step, seed):
    rng = np.random.default_rng(seed)
    masks = (rng.random((4, height, width)) < rng.random((4, 1, 1))).astype(np.uint8)
    masks[0], masks[1] = 0, 1
    rles = [mask_utils.encode(np.asfortranarray(mask)) for mask in masks]
    if step // 2 < min(height, width):
        expected = masks[:, step // 2::step, step // 2::step]
        np.testing.assert_array_equal(sample_masks(rles, step), expected)


def test_an_outline_fills_to_the_mask_again():
    mask = np.zeros((90, 160), np.uint8)
    cv2.circle(mask, (60, 40), 30, 1, -1)
    cv2.circle(mask, (60, 40), 9, 0, -1)
    mask[70:80, 100:150] = 1
    path, nothing = outlines([mask_utils.encode(np.asfortranarray(mask)), None], 1)
    shapes = [np.cumsum([[int(n) for n in point.split()] for point in re.findall(
        r'-?\d+ -?\d+', part)], axis=0) for part in path.split('z')[:-1]]
    again = np.zeros((90, 160), np.uint8)
    cv2.drawContours(again, [shape[:, None].astype(np.int32) for shape in shapes], -1, 1, -1)
    assert nothing == '' and len(shapes) == 3
    assert np.count_nonzero(again != mask) < 0.05 * mask.sum()


def test_grid():
    assert grid_step(720, 1280) == 4 and grid_step(128, 192) == 1 and grid_step(64, 321) == 2


def test_a_frame_thinner_than_a_cell_has_no_outline():
    rle = mask_utils.encode(np.ones((1, 1000), np.uint8, 'F'))
    assert outlines([rle], grid_step(1, 1000, 100)) == ['']
