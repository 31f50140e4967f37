"""AP of detections under one set of ids after another: masks are overlaid once for all."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import find_convention
from mmdet.evaluation.errors.matching import match
from mmdet.evaluation.errors.precision import class_mean
from mmdet.evaluation.errors.slices import ap_per_threshold
from mmdet.evaluation.errors.tracks import Results, Tracks, Video, read_tracks
from mmdet.evaluation.track_iou import MaskTracks, over_union, overlaps
from mmdet.evaluation.ytvoseval import Params
from mmdet.formats.detections import DetectionFile, FrameDetections
from mmdet.formats.results import TRACK_SCORES
from mmdet.formats.rle import rle_areas
from mmdet.formats.ytvos import YTVOS


class Overlaid(NamedTuple):
    """The D detections of a video, frame after frame, over its G objects; P pairs share pixels."""
    frames: int
    scores: np.ndarray  # (D,) float32
    labels: np.ndarray  # (D,) int64, 0-based
    areas: np.ndarray  # (D,) int64 pixels
    dt: np.ndarray  # (P,) int64 detection
    gt: np.ndarray  # (P,) int64 object
    pixels: np.ndarray  # (P,) float64 shared
    gt_areas: np.ndarray  # (G,) int64 pixels in all frames


class IdScores:
    """Scores ids of the detections in a file.

    Args:
        gt: the annotation index.
        file: the detections; videos it has not count as empty.
        category_ids: of the labels, in their order.

    Raises:
        ValueError: an annotation or a detection cannot be scored by its mask.

    Attributes:
        videos: ids in the order in which ids of detections are given and videos are weighted.
    """

    def __init__(self, gt: YTVOS, file: DetectionFile, category_ids: Sequence) -> None:
        self.convention, self.thresholds = find_convention('official'), Params().iouThrs
        self._truth, frames = read_tracks(gt, gt.loadRes([]), self.convention.areas)
        self.videos = [video.id for video in self._truth.videos]
        self._category = np.searchsorted(self._truth.class_ids, category_ids)
        self._overlaid = [
            overlay(file.read(video).frames if video in file.blocks else [], each.gt_masks)
            for video, each in zip(self.videos, frames)]

    def tracks(self, ids: Sequence[np.ndarray], track_scores: Sequence[str],
               labels: Sequence[np.ndarray] | None = None) -> Tracks:
        """Tracks of detections with ids, as they would be written to a result file.

        Args:
            ids: (D,) int64 per video, -1 for none; all ids from 0 on appear.
            track_scores: per video, see :class:`.TrackWriter`.
            labels: (D,) int64 per video, 0-based; None: those of the file.
        """
        scores: list[float] = []
        categories: list[int] = []
        video_of: list[int] = []
        videos = []
        for place, (found, mine, name) in enumerate(zip(self._overlaid, ids, track_scores)):
            rows, start = _rows_by_id(mine), len(scores)
            named = found.labels if labels is None else labels[place]
            scores += [float(TRACK_SCORES[name](found.scores[r], found.frames)) for r in rows]
            categories += [int(self._category[np.bincount(named[r]).argmax()]) for r in rows]
            video_of += [place] * len(rows)
            truth = self._truth.videos[place]
            videos.append(Video(truth.id, truth.gts, np.arange(start, len(scores)),
                                _ious(found, mine, len(rows))))
        return Tracks(videos, self._truth.class_ids, self._truth.gt, Results(
            np.array(video_of, np.int64), np.array(categories, np.int64),
            np.array(scores, float)))

    def ap(self, tracks: Tracks, weights: np.ndarray | None = None) -> np.ndarray:
        """AP in percent of all videos, (1,), or of B samples with weights (B, V), (B,)."""
        matching = match(tracks, self.convention, self.thresholds)
        ap = class_mean(ap_per_threshold(tracks, matching, self.convention, weights))
        return ap.mean(axis=0)


def overlay(frames: Sequence[FrameDetections], objects: MaskTracks) -> Overlaid:
    """Intersect the detections of every frame with its objects."""
    counts = [len(frame) for frame in frames]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    length, most = objects.areas.shape[1], max(counts, default=0)
    rles: list[list] = [[None] * length for _ in range(most)]  # the n-th of each frame in row n
    areas = np.zeros((most, length), np.int64)
    for t, frame in enumerate(frames):
        areas[:len(frame), t] = rle_areas(frame.masks, _size(frame)) if frame.masks else 0
        for n, rle in enumerate(frame.masks):
            rles[n][t] = rle
    pairs = overlaps(MaskTracks(rles, areas), objects)
    column = np.repeat(np.arange(len(frames)), counts)
    row = np.arange(len(column)) - first[column]
    scores = np.concatenate([np.zeros(0, np.float32), *(frame.scores for frame in frames)])
    labels = np.concatenate([np.zeros(0, np.int64), *(frame.labels for frame in frames)])
    return Overlaid(length, scores, labels, areas[row, column],
                    first[pairs.frame] + pairs.dt, pairs.gt, pairs.pixels,
                    objects.areas.sum(axis=1))


def _size(frame: FrameDetections) -> tuple[int, int]:
    height, width = frame.masks[0]['size']
    return height, width


def _rows_by_id(ids: np.ndarray) -> list[np.ndarray]:
    """The detections of every id, in their order."""
    order = np.argsort(ids, kind='stable')
    ends = np.searchsorted(ids[order], np.arange(ids.max(initial=-1) + 2))
    return [order[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist())]


def _ious(found: Overlaid, ids: np.ndarray, count: int) -> np.ndarray:
    """(count, G) IoU over all frames."""
    named = ids >= 0
    pairs = named[found.dt]
    objects = len(found.gt_areas)
    place = ids[found.dt[pairs]] * objects + found.gt[pairs]
    inter = np.bincount(place, found.pixels[pairs], count * objects).reshape(count, objects)
    areas = np.bincount(ids[named], found.areas[named], count)
    return over_union(inter.astype(float), areas, found.gt_areas)
