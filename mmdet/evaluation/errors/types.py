"""What kind of error every result track is, and what it costs."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import Convention
from mmdet.evaluation.errors.matching import Matching
from mmdet.evaluation.errors.tracks import Frames, Tracks, Video

KINDS = ('TP', 'Cls', 'Dupe', 'Spat', 'Temp', 'Both', 'Bkg')
TP, CLS, DUPE, SPAT, TEMP, BOTH, BKG = range(len(KINDS))
AIMING = (CLS, SPAT, TEMP)  # errors that aim at an object
ERRORS = (*KINDS[1:], 'Miss')
MEANINGS = {
    'TP': 'finds an object',
    'Cls': 'right place, wrong class',
    'Dupe': 'object found already',
    'Spat': 'right frames, poor masks',
    'Temp': 'frames lost or elsewhere',
    'Both': 'wrong place and class',
    'Bkg': 'on no object',
    'Miss': 'object without any track',
}
BACKGROUND = 0.1  # an IoU up to here is none
SPATIAL = 0.7  # share of frames that overlap; fewer are a temporal error


class Errors(NamedTuple):
    """At one IoU threshold; N result tracks, M objects."""
    kind: np.ndarray  # (N,) int64 place in KINDS; -1: the result does not count
    target: np.ndarray  # (N,) int64 row of the object found or aimed at, -1: none
    unmatched: np.ndarray  # (M,) bool: to be found, and not found
    missed: np.ndarray  # (M,) bool: of those, no error aims at them


class Overlap(NamedTuple):
    """Frames of every pair in a video."""
    near: np.ndarray  # (D, G) int64 frames with a frame IoU above BACKGROUND
    either: np.ndarray  # (D, G) int64 frames where one of them has a mask


def frame_overlap(frames: Frames) -> Overlap:
    """Count the frames in which tracks and objects overlap."""
    dt_seen, gt_seen = frames.dt_masks.areas > 0, frames.gt_masks.areas > 0
    shape = len(dt_seen), len(gt_seen)
    near = frames.ious > BACKGROUND
    cell = frames.pairs.dt[near] * shape[1] + frames.pairs.gt[near]
    both = dt_seen.astype(np.int64) @ gt_seen.T.astype(np.int64)
    either = dt_seen.sum(axis=1)[:, None] + gt_seen.sum(axis=1) - both
    return Overlap(np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape), either)


def find_errors(tracks: Tracks, overlaps: Sequence[Overlap], matching: Matching, t: int,
                convention: Convention) -> Errors:
    """The type of every result at threshold number ``t``.

    Args:
        tracks: of the data set.
        overlaps: of its videos, see :func:`frame_overlap`.
        matching: of all objects, at several thresholds.
        t: which of those.
        convention: which of equal overlaps counts.

    Source: TIDE (arXiv:2008.08115); localisation split into spatial and temporal by TIVE
        (arXiv:2210.08856), its order of the rules.
    """
    found, counts = matching.found[t], matching.counts[t]
    kind, target = np.full(len(found), -1), found.copy()
    kind[found >= 0] = TP
    for video, overlap in zip(tracks.videos, overlaps):
        wrong = np.flatnonzero(counts[video.dts] & (found[video.dts] < 0))
        if len(wrong):
            rows = video.dts[wrong]
            kind[rows], target[rows] = _kinds(tracks, video, overlap, wrong,
                                              matching.thresholds[t], convention)
    free = matching.free(t)
    aimed = np.zeros(len(free), bool)
    aimed[target[np.isin(kind, AIMING)]] = True
    return Errors(kind, target, free, free & ~aimed)


def _kinds(tracks: Tracks, video: Video, overlap: Overlap, wrong: np.ndarray, threshold: float,
           convention: Convention) -> tuple[np.ndarray, np.ndarray]:
    """(W,) types of the results at places ``wrong`` of a video, and the objects they aim at."""
    places = np.flatnonzero(~tracks.gt.ignored[video.gts])
    if not len(places):
        return np.full(len(wrong), BKG), np.full(len(wrong), -1)
    if convention.last_of_equal:
        places = places[::-1]
    gts = video.gts[places]
    ious = video.ious[wrong][:, places]
    own = tracks.dt.category[video.dts[wrong]][:, None] == tracks.gt.category[gts]
    same, same_at = _largest(np.where(own, ious, 0))
    other, other_at = _largest(np.where(own, 0, ious))
    near, either = (frames[wrong, places[same_at]] for frames in overlap)
    rules = [((same >= BACKGROUND) & (same <= threshold), np.where(
                 near / np.maximum(either, 1) >= SPATIAL, SPAT, TEMP), gts[same_at]),
             (other >= threshold, CLS, gts[other_at]),
             (same >= threshold, DUPE, -1),
             ((same <= BACKGROUND) & (other <= BACKGROUND), BKG, -1)]
    when, kinds, targets = zip(*rules)
    return np.select(when, kinds, BOTH), np.select(when, targets, -1)


def _largest(ious: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest value of every row and its place, the first of equals."""
    place = ious.argmax(axis=1)
    return ious[np.arange(len(ious)), place], place
