"""Duplicates, broken tracks and classes when a video is over."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.core.track.after_video import (DropDuplicates, LinkTracks, VideoTracks, VoteClass,
                                          spatio_temporal_iou)


def tracks(*rows, masks=True):
    """Of rows (frame, id, label, score, x) of squares of 10 pixels."""
    frames, ids, labels, scores, x = map(np.array, zip(*sorted(rows, key=lambda r: r[0])))
    boxes = np.stack([x, x * 0, x + 9, x * 0 + 9], 1).astype(np.float32)
    pictures = np.zeros((12, 99, len(x)), np.uint8, 'F')
    for n, a in enumerate(x.tolist()):
        pictures[:10, a:a + 10, n] = 1
    return VideoTracks(frames, ids, labels, scores.astype(np.float32), boxes,
                       mask_utils.encode(pictures) if masks else [])


def ids_of(result):
    return list(zip(result.frames.tolist(), result.ids.tolist()))


@pytest.mark.parametrize('masks', [True, False])
def test_spatio_temporal_iou_by_hand(masks):
    clip = tracks((0, 3, 0, .9, 0), (0, 5, 0, .5, 5), (1, 3, 0, .9, 0), (2, 5, 0, .5, 0),
                  (2, -1, 0, .5, 0), masks=masks)
    want = 50 / (200 + 200 - 50)
    np.testing.assert_allclose(spatio_temporal_iou(clip, [3, 5]), [[1, want], [want, 1]])


def test_of_duplicates_the_better_stays():
    rows = [(t, i, label, score, x) for t in range(3) for i, label, score, x in
            ((0, 0, .5, 0), (1, 0, .9, 1), (2, 1, .4, 0), (3, 0, .8, 40))]
    clip = tracks(*rows)
    assert set(DropDuplicates(.6)(clip).ids.tolist()) == {-1, 1, 2, 3}
    assert set(DropDuplicates(.6, same_label=False)(clip).ids.tolist()) == {-1, 1, 3}
    assert DropDuplicates(1)(clip).ids.tolist() == clip.ids.tolist()


def test_a_chain_is_suppressed_as_in_nms():
    """B goes for A; C, which only overlaps B, stays."""
    rows = [(0, 0, 0, .9, 0), (0, 1, 0, .8, 3), (0, 2, 0, .7, 6)]
    assert DropDuplicates(.5)(tracks(*rows)).ids.tolist() == [0, -1, 2]


BROKEN = [*((t, 0, 0, .9, 2 * t) for t in range(4)), *((t, 1, 0, .9, 2 * t) for t in range(7, 10)),
          *((t, 2, 0, .9, 2 * t) for t in range(12, 14)),
          *((t, 3, 0, .9, 70) for t in range(3, 9))]


def test_broken_tracks_are_joined_in_a_chain():
    joined = LinkTracks(max_gap=5, iou_thr=.9)(tracks(*BROKEN))
    assert set(ids_of(joined)) == {*((t, 0) for t in (*range(4), *range(7, 10), 12, 13)),
                                   *((t, 3) for t in range(3, 9))}
    few = LinkTracks(max_gap=3, iou_thr=.9)(tracks(*BROKEN))
    assert set(few.ids.tolist()) == {0, 1, 3}
    for same in (LinkTracks(0), LinkTracks(2)):
        assert ids_of(same(tracks(*BROKEN))) == ids_of(tracks(*BROKEN))


def test_only_of_one_class_and_the_nearer_of_two():
    other = tracks(*((t, i, int(t > 5), s, x) for t, i, _, s, x in BROKEN))
    assert 1 in LinkTracks(5)(other).ids and 1 not in LinkTracks(5, same_label=False)(other).ids
    two = tracks((0, 0, 0, .9, 0), (1, 0, 0, .9, 0), (3, 1, 0, .9, 4), (3, 2, 0, .9, 1))
    assert LinkTracks()(two).ids.tolist() == [0, 0, 1, 0]


def test_the_class_of_a_track_by_score():
    clip = tracks((0, 4, 2, .3, 0), (1, 4, 2, .3, 0), (2, 4, 1, .7, 0), (2, 5, 0, .1, 0))
    assert VoteClass()(clip).labels.tolist() == [1, 1, 1, 0]
    assert VoteClass('frames')(clip).labels.tolist() == [2, 2, 2, 0]


def test_nothing_was_found():
    empty = VideoTracks(*(np.zeros(0, np.int64),) * 3, np.zeros(0, np.float32),
                        np.zeros((0, 4), np.float32), [])
    nobody = tracks((0, -1, 0, .5, 0))
    for step in (DropDuplicates(), LinkTracks(), VoteClass()):
        assert step(empty).ids.tolist() == [] and step(nobody).ids.tolist() == [-1]
