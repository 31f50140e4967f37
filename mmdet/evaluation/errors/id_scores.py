"""Scores of detections under one set of ids after another: masks are overlaid once for all."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import find_convention
from mmdet.evaluation.errors.id_counts import count_identities
from mmdet.evaluation.errors.matching import match
from mmdet.evaluation.errors.oracle import true_ids
from mmdet.evaluation.errors.overlaid import Overlaid, overlay
from mmdet.evaluation.errors.precision import class_mean
from mmdet.evaluation.errors.slices import ap_per_threshold
from mmdet.evaluation.errors.tracks import Results, Tracks, Video, read_tracks
from mmdet.evaluation.track_iou import over_union
from mmdet.evaluation.ytvoseval import Params
from mmdet.formats.detections import DetectionFile
from mmdet.formats.results import TRACK_SCORES
from mmdet.formats.ytvos import YTVOS

OBJECTIVES = dict(ap='AP', hota='HOTA', idf1='IDF1')


class Named(NamedTuple):
    """What a tracker makes of the D detections of each video."""
    ids: Sequence[np.ndarray]  # (D,) int64, -1 for none; all ids from 0 on appear
    labels: Sequence[np.ndarray]  # (D,) int64, 0-based
    track_scores: Sequence[str]  # see :class:`.TrackWriter`


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
        self._label_of = np.full(len(self._truth.class_ids), -1)
        self._label_of[self._category] = np.arange(len(self._category))
        self._overlaid = [
            overlay(file.read(video).frames if video in file.blocks else [], each.gt_masks)
            for video, each in zip(self.videos, frames)]

    def score(self, objective: str, named: Named, weights: np.ndarray | None = None) -> np.ndarray:
        """One of ``OBJECTIVES`` in percent, of all videos, (1,), or of samples of them, (B,).

        HOTA (the mean over its thresholds) and IDF1 are those that ``eval_video.py`` prints:
        every class by itself, then all detections together; every track counts, whatever its
        score.

        Args:
            objective: ``'ap'``, ``'hota'`` or ``'idf1'``.
            named: ids of all detections.
            weights: (B, V) how often each video is in a sample.

        Raises:
            ImportError: ``trackeval``, which all but AP need, is not installed.
        """
        if objective == 'ap':
            return self.ap(self.tracks(named), weights)
        parts = [count_identities(found, ids, self._classes_of(found, ids, labels),
                                  self._truth.gt.category[video.gts], objective)
                 for found, ids, labels, video in
                 zip(self._overlaid, named.ids, named.labels, self._truth.videos)]
        table = np.stack([part.sums for part in parts])
        whole = np.ones((1, len(table))) if weights is None else weights
        return 100 * parts[0].value(np.tensordot(whole.astype(float), table, axes=1))

    def ceiling(self, named: Named, classes: bool = False) -> Named:
        """The ids, and the classes, of a perfect tracker; see :func:`true_ids`.

        Args:
            named: of a tracker, for what is on no object.
            classes: objects get their true class too.
        """
        new_ids, new_labels = [], []
        for found, video, ids, labels in zip(self._overlaid, self._truth.videos, named.ids,
                                             named.labels):
            true = true_ids(found, ids, ~self._truth.gt.ignored[video.gts])
            if classes:
                named_by = np.append(self._label_of[self._truth.gt.category[video.gts]], -1)
                label = named_by[np.minimum(true, len(video.gts))]
                labels = np.where((true >= 0) & (label >= 0), label, labels)
            new_ids.append(without_gaps(true))
            new_labels.append(labels)
        return Named(new_ids, new_labels, named.track_scores)

    def _classes_of(self, found: Overlaid, ids: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(T,) int64 class of each track: the one of most of its frames."""
        return np.array([self._category[np.bincount(labels[rows]).argmax()]
                         for rows in _rows_by_id(ids)], np.int64)

    def tracks(self, named: Named) -> Tracks:
        """Tracks of detections with ids, as they would be written to a result file."""
        scores: list[float] = []
        categories: list[np.ndarray] = []
        videos = []
        for found, truth, ids, labels, name in zip(self._overlaid, self._truth.videos, *named):
            rows, start = _rows_by_id(ids), len(scores)
            frames = found.gt_areas.shape[1]
            scores += [float(TRACK_SCORES[name](found.scores[r], frames)) for r in rows]
            categories.append(self._classes_of(found, ids, labels))
            videos.append(Video(truth.id, truth.gts, np.arange(start, len(scores)),
                                _ious(found, ids, len(rows))))
        return Tracks(videos, self._truth.class_ids, self._truth.gt, Results(
            np.repeat(np.arange(len(videos)), [len(video.dts) for video in videos]),
            np.concatenate([np.zeros(0, np.int64), *categories]), np.array(scores, float)))

    def ap(self, tracks: Tracks, weights: np.ndarray | None = None) -> np.ndarray:
        """AP in percent of all videos, (1,), or of B samples with weights (B, V), (B,)."""
        matching = match(tracks, self.convention, self.thresholds)
        ap = class_mean(ap_per_threshold(tracks, matching, self.convention, weights))
        return ap.mean(axis=0)


def without_gaps(ids: np.ndarray) -> np.ndarray:
    """(D,) ids in the same order, from 0 on; -1 stays."""
    return np.where(ids < 0, -1, np.searchsorted(np.unique(ids[ids >= 0]), ids))


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
    return over_union(inter.astype(float), areas, found.gt_areas.sum(axis=1))
