"""Why a track is broken: frame by frame, who holds the object and what the track holds."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.tracks import Frames

HOLDS = 0.5  # frame IoU from which a result holds an object
# In this order where a track loses as many frames to two causes.
CAUSES = ('switch', 'merge', 'starts_late', 'ends_early', 'gap', 'drift')
SWITCH, MERGE, LATE, EARLY, GAP, DRIFT = range(len(CAUSES))
CAUSE_MEANINGS = {
    'switch': 'another track holds the object',
    'merge': 'the track is on another object',
    'starts_late': 'no track yet',
    'ends_early': 'no track any more',
    'gap': 'the track is away for a while',
    'drift': 'the mask is on no object, or poor',
}


class Holding(NamedTuple):
    """Who holds what in a video; D result tracks, G objects, F frames."""
    on: np.ndarray  # (D, G, F) bool: their frame IoU is at least HOLDS
    owner: np.ndarray  # (G, F) int64 the result that the object is assigned to, -1: none
    dt_seen: np.ndarray  # (D, F) bool
    gt_seen: np.ndarray  # (G, F) bool


def holding(frames: Frames, looked_at: np.ndarray) -> Holding:
    """Assign results to objects in every frame, one to one, by falling frame IoU.

    Args:
        frames: of a video.
        looked_at: (K,) places of the result tracks that take part, the first wins a tie.
    """
    dt_seen, gt_seen = frames.dt_masks.areas > 0, frames.gt_masks.areas > 0
    on = np.zeros((len(dt_seen), *gt_seen.shape), bool)
    owner = np.full(gt_seen.shape, -1)
    rank = np.full(len(dt_seen), len(dt_seen))
    rank[looked_at] = np.arange(len(looked_at))
    dt, gt, frame = frames.pairs.dt, frames.pairs.gt, frames.pairs.frame
    good = np.flatnonzero((frames.ious >= HOLDS) & (rank[dt] < len(dt_seen)))
    on[dt[good], gt[good], frame[good]] = True
    order = good[np.lexsort((rank[dt[good]], -frames.ious[good]))]
    taken = set()
    for d, g, f in zip(dt[order].tolist(), gt[order].tolist(), frame[order].tolist()):
        if owner[g, f] < 0 and (d, f) not in taken:
            owner[g, f] = d
            taken.add((d, f))
    return Holding(on, owner, dt_seen, gt_seen)


def lost_frames(held: Holding, d: int, g: int) -> np.ndarray:
    """Why track ``d`` is not on object ``g``, in the frames where either has a mask.

    ``switch``: another track holds the object. Else, where the track has a mask: ``merge``, it is
    on another object; ``drift``, it is on none. Else ``starts_late`` before its first mask,
    ``ends_early`` after its last, ``gap`` in between.

    Returns:
        (F,) int64 place in CAUSES; -1 where the track is on the object, or neither is seen.
    """
    seen, there = held.dt_seen[d], held.gt_seen[g]
    frames = np.arange(len(seen))
    first, last = _ends(seen)
    elsewhere = held.on[d].any(axis=0)  # not on g in the frames that are asked about
    cause = np.select([there & (held.owner[g] >= 0), seen & elsewhere, seen, frames < first,
                       frames > last], [SWITCH, MERGE, DRIFT, LATE, EARLY], GAP)
    return np.where((seen | there) & ~held.on[d, g], cause, -1)


def _ends(seen: np.ndarray) -> tuple[int, int]:
    """The first and the last frame; past the end where there is none."""
    frames = np.flatnonzero(seen)
    return (int(frames[0]), int(frames[-1])) if len(frames) else (len(seen), len(seen))


def count_lost(held: Holding, d: int, g: int) -> np.ndarray:
    """(C,) frames lost to each of CAUSES."""
    cause = lost_frames(held, d, g)
    return np.bincount(cause[cause >= 0], minlength=len(CAUSES))


class Ages(NamedTuple):
    """All objects of a data set by the number of frames since each was first seen."""
    seen: np.ndarray  # (A,) int64 objects that are there; place 0 is their first frame
    held: np.ndarray  # (A,) int64 of those, assigned to a result track
    kept: np.ndarray  # (A,) int64 of those, to the track that held the object first


def by_age(videos: Sequence[Holding], to_find: Sequence[np.ndarray]) -> Ages:
    """How well objects are held as time goes by.

    Args:
        videos: of the data set.
        to_find: (G,) bool per video, its objects that count.
    """
    longest = max((held.gt_seen.shape[1] for held in videos), default=0)
    ages = Ages(*(np.zeros(longest, np.int64) for _ in Ages._fields))
    for held, which in zip(videos, to_find):
        for seen, owner in zip(held.gt_seen[which], held.owner[which]):
            frames = np.flatnonzero(seen)
            age, owner = frames - frames[:1], owner[frames]
            owned = owner[owner >= 0]
            ages.seen[age] += 1
            ages.held[age] += owner >= 0
            ages.kept[age] += (owner >= 0) & (owner == owned[:1] if len(owned) else False)
    last = np.flatnonzero(ages.seen)
    return Ages(*(values[:last[-1] + 1 if len(last) else 0] for values in ages))
