"""The oracle ladder: what perfect ids, classes and masks would make of the same detections.

A result track is taken apart into the detections of its frames, each with the score and class of
its track. Every rung keeps what the ones before mended.
"""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import Convention
from mmdet.evaluation.errors.matching import kept
from mmdet.evaluation.errors.tracks import Frames, Results, Tracks, Video
from mmdet.evaluation.errors.types import BACKGROUND
from mmdet.evaluation.track_iou import over_union, overlaps

RUNGS = ('as is', 'true ids', 'true classes', 'true masks', 'nothing false')


class Detections(NamedTuple):
    """Per object and frame the detection that a perfect tracker takes, in a video of F frames."""
    of: np.ndarray  # (G, F) int64 place of the result track, -1: none
    false: np.ndarray  # (W,) int64 places of the result tracks that are on no object in any frame


def choose_detections(frames: Frames, looked_at: np.ndarray, wanted: np.ndarray) -> Detections:
    """Collect for every object the detections that overlap it best.

    A detection belongs to the object it overlaps most, if their IoU is above ``BACKGROUND``. Of
    those of an object, at most one a frame, the set with the largest IoU over all frames is taken.
    Others leave the frame, as with the losers of a match; those of tracks that are on
    no object in any frame stay together.

    Args:
        frames: of a video.
        looked_at: (K,) places of the result tracks that count.
        wanted: (G,) bool objects; ignored ones take no detection.
    """
    pairs, gt_areas = frames.pairs, frames.gt_masks.areas
    of = np.full(gt_areas.shape, -1)
    near = (frames.ious > BACKGROUND) & np.isin(pairs.dt, looked_at)
    false = looked_at[~np.isin(looked_at, pairs.dt[near])]
    candidates = np.flatnonzero(near & wanted[pairs.gt])
    order = candidates[np.argsort(-frames.ious[candidates], kind='stable')]
    num_frames = gt_areas.shape[1]
    _, first = np.unique(pairs.dt[order] * num_frames + pairs.frame[order], return_index=True)
    best = order[first]
    for g in range(len(of)):
        mine = best[pairs.gt[best] == g]
        dt, frame = pairs.dt[mine], pairs.frame[mine]
        taken = _best_set(frame, pairs.pixels[mine], frames.dt_masks.areas[dt, frame],
                          gt_areas[g].sum())
        of[g, frame[taken]] = dt[taken]
    return Detections(of, false)


def _best_set(frame: np.ndarray, inter: np.ndarray, areas: np.ndarray, total: int) -> np.ndarray:
    """Which of C detections, one a frame, make the track of the largest IoU with an object.

    Args:
        frame: (C,) of each detection.
        inter: (C,) pixels shared with the object.
        areas: (C,) pixels of the detection.
        total: pixels of the object in all frames.

    Source: Dinkelbach, Management Science 13 (1967): a ratio is largest where the
        difference ``intersection - iou * union`` cannot be made positive.
    """
    iou, taken = -1.0, np.zeros(0, np.int64)
    while len(frame):
        gain = inter - max(iou, 0) * (areas - inter)
        order = np.lexsort((-gain, frame))
        best = order[np.unique(frame[order], return_index=True)[1]]
        best = best[gain[best] > 0]
        new = inter[best].sum() / (total + (areas - inter)[best].sum())
        if new <= iou:
            break
        iou, taken = new, best
    return taken


class Rung(NamedTuple):
    """The tracks of one video after some mending."""
    score: np.ndarray  # (D,) float64
    category: np.ndarray  # (D,) int64
    ious: np.ndarray  # (D, G) float64


def _climb(tracks: Tracks, video: Video, frames: Frames, convention: Convention) -> list[Rung]:
    """The rungs of one video after the first."""
    looked_at = kept(video, tracks, convention)
    wanted = ~tracks.gt.ignored[video.gts]
    chosen = choose_detections(frames, looked_at, wanted)
    found = np.flatnonzero((chosen.of >= 0).any(axis=1))
    score, votes = tracks.dt.score[video.dts], tracks.dt.category[video.dts]
    used = [chosen.of[g][chosen.of[g] >= 0] for g in found]
    new_score = np.array([score[rows].mean() for rows in used], float)
    voted = np.array([_vote(votes[rows], score[rows]) for rows in used], np.int64)
    true = tracks.gt.category[video.gts[found]]
    ious = _regrouped_ious(frames, chosen.of[found])
    perfect = _true_mask_ious(frames, chosen.of, found)
    false = Rung(score[chosen.false], votes[chosen.false], video.ious[chosen.false])
    rungs = [Rung(new_score, *rest) for rest in ((voted, ious), (true, ious), (true, perfect))]
    return [_joined(rung, false) for rung in rungs] + rungs[-1:]


def _vote(classes: np.ndarray, scores: np.ndarray) -> int:
    """The class that most detections have; of equals the one with the higher scores."""
    names, place, count = np.unique(classes, return_inverse=True, return_counts=True)
    return int(names[np.lexsort((np.bincount(place, scores), count))[-1]])


def _joined(first: Rung, second: Rung) -> Rung:
    return Rung(*(np.concatenate(parts) for parts in zip(first, second)))


def _regrouped_ious(frames: Frames, of: np.ndarray) -> np.ndarray:
    """(N, G) IoU of tracks that take detection ``of`` (N, F) in each frame with the objects."""
    pairs, gt_areas = frames.pairs, frames.gt_masks.areas
    inter, areas = np.zeros((len(of), len(gt_areas))), np.zeros(len(of))
    for row, dt in enumerate(of):
        mine = pairs.dt == dt[pairs.frame]
        inter[row] = np.bincount(pairs.gt[mine], pairs.pixels[mine], len(gt_areas))
        seen = np.flatnonzero(dt >= 0)
        areas[row] = frames.dt_masks.areas[dt[seen], seen].sum()
    return over_union(inter, areas, gt_areas.sum(axis=1))


def _true_mask_ious(frames: Frames, of: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The same with the masks of the objects ``found`` (N,) wherever they are detected."""
    gt_areas = frames.gt_masks.areas
    pairs = overlaps(frames.gt_masks, frames.gt_masks)
    detected = of >= 0
    mine = detected[pairs.dt, pairs.frame]
    cell = pairs.dt[mine] * len(of) + pairs.gt[mine]
    inter = np.bincount(cell, pairs.pixels[mine], len(of)**2).reshape(len(of), len(of))
    return over_union(inter[found].astype(float), (gt_areas * detected).sum(axis=1)[found],
                      gt_areas.sum(axis=1))


def climb(tracks: Tracks, frames: Sequence[Frames], convention: Convention,
          score: Callable[[Tracks], np.ndarray]) -> dict[str, np.ndarray]:
    """What ``score`` gives on every rung of ``RUNGS``.

    The last rung leaves out the tracks that are on no object; what it lacks to 100 are objects and
    frames without any detection.

    Args:
        tracks: of the data set.
        frames: of its videos.
        convention: which results count.
        score: gives the AP of tracks.
    """
    values = {RUNGS[0]: score(tracks)}
    rungs = zip(*(_climb(tracks, *both, convention) for both in zip(tracks.videos, frames)))
    for name, videos in zip(RUNGS[1:], rungs):
        values[name] = score(_rebuilt(tracks, videos))
    return values


def _rebuilt(tracks: Tracks, rungs: Sequence[Rung]) -> Tracks:
    """The data set with other result tracks."""
    counts = [len(rung.score) for rung in rungs]
    rows = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
    videos = [Video(video.id, video.gts, dts, rung.ious)
              for video, dts, rung in zip(tracks.videos, rows, rungs)]
    results = Results(np.repeat(np.arange(len(rungs)), counts),
                      np.concatenate([rung.category for rung in rungs]),
                      np.concatenate([rung.score for rung in rungs]))
    return Tracks(videos, tracks.class_ids, tracks.gt, results)
