"""What entries of an annotation file say."""
import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.formats.entries import (frame_folder, is_box, mask_lists, mean_area, num_frames,
                                   video_name)


@pytest.mark.parametrize('video, folder, name, frames', [
    (dict(id=3, file_names=['cat_1/0.jpg', 'cat_1/1.jpg']), 'cat_1', 'cat_1', 2),
    (dict(id=3, file_names=['0.jpg'], length=1), '', '3', 1),
    (dict(id='a', length=4), '', 'a', 4), (dict(id=3, file_names=[]), '', '3', 0)])
def test_videos(video, folder, name, frames):
    assert (frame_folder(video), video_name(video), num_frames(video)) == (folder, name, frames)


@pytest.mark.parametrize('areas, mean', [
    ([], 0), ([None, 0], 0), ([3, None, 4, 0], 3.5), ([0.1, 0.2, 0.3], np.mean([0.1, 0.2, 0.3]))])
def test_mean_area_counts_frames_that_have_one(areas, mean):
    assert mean_area(areas) == mean


@pytest.mark.parametrize('box, good', [
    ([0, 0, 1, 1], True), ((0., -5, 0, 0), True), ([0, 0, -1, 1], False), ([0, 0, 1], False),
    (None, False), ([0, 0, 1, float('nan')], False), ([-1e9, 0, 1, 1], False),
    ([0, 0, 1, 'x'], False)])
def test_boxes(box, good):
    assert is_box(box) is good


def test_the_lists_of_a_track_follow_from_its_masks():
    mask = np.zeros((6, 8), np.uint8, order='F')
    mask[2:4, 1:6] = 1
    lists = mask_lists([None, mask_utils.encode(mask)])
    assert lists['bboxes'] == [None, [1, 2, 5, 2]] and lists['areas'] == [None, 10]
    assert lists['segmentations'][0] is None
    kept = json.loads(json.dumps(lists))['segmentations'][1]
    assert (mask_utils.decode(kept) == mask).all()
    assert mask_lists([None, kept]) == lists and mask_lists([])['areas'] == []
