"""One value for what a frame shows, and its classic form."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.core import TrackResult
from mmdet.formats.results import from_classic


def result(ids=(7, 2), scores=(.9, .4)):
    masks = [mask_utils.encode(np.asfortranarray(np.eye(3, dtype=np.uint8) * (i > 0))) for i in ids]
    boxes = np.arange(4 * len(ids), dtype=np.float32).reshape(-1, 4)
    return TrackResult(boxes, np.float32(scores), np.arange(len(ids)), np.array(ids, np.int64),
                       masks)


def test_there_and_back():
    first = result()
    det, seg = first.to_classic()
    assert list(det) == list(seg) == [7, 2] and det[2]['label'] == 1
    assert det[7]['bbox'].tolist() == pytest.approx([0, 1, 2, 3, .9])
    again = TrackResult.from_classic(det, seg)
    for name in ('boxes', 'scores', 'labels', 'obj_ids'):
        got, want = getattr(again, name), getattr(first, name)
        assert np.array_equal(got, want) and got.dtype == want.dtype
    assert again.masks == first.masks
    nothing = TrackResult.from_classic({}, {})
    assert nothing.boxes.shape == (0, 4) and len(nothing) == 0 and nothing.to_classic() == ({}, {})


def test_from_a_score_on():
    assert result().from_score(.5).obj_ids.tolist() == [7]
    assert len(result().from_score(2).masks) == 0


def test_one_line_and_pixels():
    assert repr(result()) == 'TrackResult(2 objects, ids [7, 2])'
    many = result(range(9), [1] * 9)
    assert repr(many) == 'TrackResult(9 objects, ids [0, 1, 2, 3, 4, 5, 6, 7, ...])'
    assert result().decode_masks().sum(axis=(1, 2)).tolist() == [3, 3]
    assert len(result((), ()).decode_masks()) == 0


def test_detections_by_class():
    box = np.float32([[1, 2, 3, 4, .5]])
    found = TrackResult.from_detections([np.zeros((0, 5)), box, box], [[], ['a'], ['b']])
    assert found.labels.tolist() == [1, 2] and found.obj_ids.tolist() == [0, 1]
    assert found.scores.tolist() == [.5, .5] and found.masks == ['a', 'b']
    assert len(TrackResult.from_detections([box]).masks) == 0


@pytest.mark.parametrize('damaged', [
    [({1: dict(bbox=[0, 0, 1, 1, .5], label=0)}, {2: 'a'})],
    [({1: dict(bbox=[0, 0, 1], label=0)}, {1: 'a'})],
    [({1: dict(label=0)}, {1: 'a'})],
    [7], [([], [])]])
def test_damaged_pairs_are_one_sentence(damaged):
    with pytest.raises(ValueError, match='results: entry 0 is no pair of boxes and masks'):
        from_classic(damaged)
