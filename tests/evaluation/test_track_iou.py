"""Overlap and matching of tracks against slow loops."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmdet.evaluation import track_iou
from mmdet.evaluation.track_iou import (MaskTracks, box_track_iou, intersections, mask_track_iou,
                                        overlaps)
from mmdet.evaluation.track_matching import Matches, match_tracks, precision_recall


def tracks(rng, count, frames, size):
    """Random masks, some missing: bool (count, frames, h, w) and MaskTracks."""
    masks = rng.rand(count, frames, *size) < rng.rand(count, frames, 1, 1)
    masks[rng.rand(count, frames) < .3] = False
    seen = rng.rand(count, frames) < .8
    masks[~seen] = False
    rles = [[mask_utils.encode(np.asfortranarray(m, np.uint8)) if s else None
             for m, s in zip(*pair)] for pair in zip(masks, seen)]
    return masks, MaskTracks(rles, masks.sum(axis=(2, 3)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 5), st.integers(0, 10**6))
def test_mask_overlap_equals_that_of_pixels(num_dt, num_gt, frames, seed):
    rng = np.random.RandomState(seed)
    dt_masks, dts = tracks(rng, num_dt, frames, (7, 6))
    gt_masks, gts = tracks(rng, num_gt, frames, (7, 6))
    got = mask_track_iou(dts, gts, overlaps(dts, gts))
    assert got.shape == (num_dt, num_gt)
    for d, g in np.ndindex(num_dt, num_gt):
        union = (dt_masks[d] | gt_masks[g]).sum()
        expected = (dt_masks[d] & gt_masks[g]).sum() / union if union else 0
        assert got[d, g] == pytest.approx(expected, abs=1e-15)


def test_masks_intersect_without_the_compiled_loop_too(monkeypatch):
    masks = np.random.RandomState(0).rand(4, 20, 30) < .4
    rles = [mask_utils.encode(np.asfortranarray(mask, np.uint8)) for mask in masks]
    areas = masks.sum(axis=(1, 2))
    expected = [[(a & b).sum() for b in masks] for a in masks]
    assert intersections(rles, rles, areas).tolist() == expected
    monkeypatch.setattr(track_iou, 'loops', None)
    assert intersections(rles, rles, areas).tolist() == expected


def test_box_overlap_by_hand():
    dts = np.array([[[0, 0, 4, 4], [0, 0, 4, 4]], [[9, 9, 1, 1], [0, 0, 0, 0]]], float)
    gts = np.array([[[2, 0, 4, 4], [0, 0, 0, 0]]], float)
    # Frame 0: 8 of 24 pixels; frame 1: only the first track has a box, 16 pixels.
    np.testing.assert_allclose(box_track_iou(dts, gts), [[8 / 40], [0]])


def slow_match(ious, threshold, ignore, crowd):
    """The official loops for one threshold and area range."""
    order = sorted(range(len(ignore)), key=lambda g: ignore[g])
    taken, found = set(), []
    for row in ious:
        best, match = min(threshold, 1 - 1e-10), -1
        for g in order:
            if g in taken and not crowd[g]:
                continue
            if match >= 0 and not ignore[match] and ignore[g]:
                break
            if row[g] >= best:
                best, match = row[g], g
        taken.add(match)
        found.append(match)
    return found


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 6), st.integers(0, 5), st.integers(0, 10**6))
def test_matching_equals_the_official_loops(num_dt, num_gt, seed):
    rng = np.random.RandomState(seed)
    ious = rng.choice([0, .3, .5, .5, .75, .75, 1], (num_dt, num_gt))  # many ties
    crowd, small = rng.rand(num_gt) < .3, rng.rand(2, num_gt) < .4
    ignore, thresholds = small | crowd, np.array([.5, .75, 1.])
    found, ignored = match_tracks(ious, thresholds, ignore, crowd)
    for a, t in np.ndindex(2, 3):
        expected = slow_match(ious, thresholds[t], ignore[a], crowd)
        assert found[a, t].tolist() == expected
        assert ignored[a, t].tolist() == [m >= 0 and bool(ignore[a][m]) for m in expected]


def test_precision_and_recall_by_hand():
    # Two objects; found, missed, found in order of score; one track ignored.
    matches = Matches(np.array([.9, .8, .7, .6]), np.array([[[0, -1, -1, 1]]]),
                      np.array([[[False, False, True, False]]]), np.array([[False, False]]))
    rank = np.arange(4)
    curve = precision_recall(matches, rank, 0, 100, np.array([0, .5, .51, 1]))
    np.testing.assert_allclose(curve.precision, [[1, 1, 2 / 3, 2 / 3]])
    np.testing.assert_allclose(curve.scores, [[.9, .9, .6, .6]])
    assert curve.recall.tolist() == [1]
    assert precision_recall(matches, rank, 0, 1, np.array([0, 1.])).recall.tolist() == [.5]
    none = matches._replace(gt_ignore=np.array([[True, True]]))
    assert (precision_recall(none, rank, 0, 100, np.array([0, 1.])).precision == -1).all()
