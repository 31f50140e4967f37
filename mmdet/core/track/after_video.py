"""What can be mended when a video is over: duplicates, broken tracks, classes.

Steps change ids and labels, nothing else; by config under ``test_cfg.track.after_video``.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.core.track.registry import AFTER_VIDEO
from mmdet.utils.errors import BadValue


@dataclass(frozen=True)
class VideoTracks:
    """The D detections of a video, frame after frame.

    Attributes:
        frames: (D,) int64, rising.
        ids: (D,) int64 object id, -1 for none; different within a frame.
        labels: (D,) int64, 0-based.
        scores: (D,) float32.
        boxes: (D, 4) float32 x1, y1, x2, y2 in original pixels, inclusive.
        masks: D compressed run-length codes; empty where a detector finds boxes only.
    """
    frames: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    masks: Sequence[dict]

    def rows_by_id(self) -> dict[int, np.ndarray]:
        """The rows of each object in order of time, by rising id."""
        order = np.argsort(self.ids, kind='stable')
        order = order[self.ids[order] >= 0]
        found, first = np.unique(self.ids[order], return_index=True)
        return dict(zip(found.tolist(), np.split(order, first[1:]))) if len(found) else {}

    def renamed(self, new_ids: dict[int, int]) -> 'VideoTracks':
        """With other ids for some objects; -1 drops one."""
        table = np.arange(self.ids.max(initial=-1) + 1)
        table[list(new_ids)] = list(new_ids.values())
        return replace(self, ids=np.where(self.ids < 0, -1, table[self.ids]) if len(table)
                       else self.ids)


Step = Callable[[VideoTracks], VideoTracks]


def majority(labels: np.ndarray, weights: np.ndarray | None = None) -> int:
    """The label with most of (n,) labels or of their weights; the lowest of equals."""
    return int(np.bincount(labels, weights).argmax())


@AFTER_VIDEO.register_module
class VoteClass:
    """Give all frames of a track one class, by the sum of scores instead of their number.

    Args:
        by: ``'score'``; ``'frames'`` is what result files have anyway.

    Source: the mean class score of a track, e.g. IDOL, arXiv:2207.10661, section 3.4, over the
    class that was kept in each frame.
    """

    def __init__(self, by: str = 'score') -> None:
        if by not in ('score', 'frames'):
            raise BadValue(f"VoteClass: by is 'score' or 'frames', got {by!r}")
        self.by = by

    def __call__(self, tracks: VideoTracks) -> VideoTracks:
        labels = tracks.labels.copy()
        for rows in tracks.rows_by_id().values():
            weights = tracks.scores[rows].astype(float) if self.by == 'score' else None
            labels[rows] = majority(tracks.labels[rows], weights)
        return replace(tracks, labels=labels)


@AFTER_VIDEO.register_module
class DropDuplicates:
    """Of two tracks whose spatio-temporal IoU is too large only the better one stays.

    Tracks are gone through by falling mean score; the older is the better of equals.

    Args:
        iou_thr: a track goes if its IoU with one that stays is larger; 1: none goes.
        same_label: only tracks of one class are compared.

    Source: the IoU is that of arXiv:1905.04804, section 3; suppression of whole sequences after
    Seq-NMS, arXiv:1602.08465.
    """

    def __init__(self, iou_thr: float = 0.5, same_label: bool = True) -> None:
        if not 0 < iou_thr <= 1:
            raise BadValue(f'DropDuplicates: iou_thr {iou_thr}: expected above 0 up to 1')
        self.iou_thr, self.same_label = iou_thr, same_label

    def __call__(self, tracks: VideoTracks) -> VideoTracks:
        rows = tracks.rows_by_id()
        ids = list(rows)
        iou = spatio_temporal_iou(tracks, ids)
        labels = np.array([majority(tracks.labels[rows[i]]) for i in ids], np.int64)
        if self.same_label:
            iou[labels[:, None] != labels] = 0
        means = np.array([tracks.scores[rows[i]].astype(float).mean() for i in ids])
        kept: list[int] = []
        for place in np.argsort(-means, kind='stable').tolist():
            if not (iou[place, kept] > self.iou_thr).any():
                kept.append(place)
        return tracks.renamed({ids[place]: -1 for place in set(range(len(ids))) - set(kept)})


def spatio_temporal_iou(tracks: VideoTracks, ids: Sequence[int]) -> np.ndarray:
    """(T, T) intersection over union in all frames of T tracks with rising ids."""
    inter, areas = np.zeros((len(ids), len(ids))), np.zeros(len(ids))
    first = np.flatnonzero(np.diff(tracks.frames)) + 1
    for rows in np.split(np.arange(len(tracks.ids)), first):
        rows = rows[tracks.ids[rows] >= 0]
        if not len(rows):
            continue
        size, shared = _shared(tracks, rows)
        place = np.searchsorted(ids, tracks.ids[rows])
        areas[place] += size
        inter[np.ix_(place, place)] += shared
    union = areas[:, None] + areas - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def _shared(tracks: VideoTracks, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) areas of n detections of a frame and (n, n) areas they share, square pixels."""
    masks: list[dict] | np.ndarray
    if len(tracks.masks):
        masks = [tracks.masks[row] for row in rows.tolist()]
        size = mask_utils.area(masks).astype(float)
    else:
        corners = tracks.boxes[rows].astype(float)
        sides = corners[:, 2:] - corners[:, :2] + 1
        masks, size = np.concatenate([corners[:, :2], sides], axis=1), sides.prod(axis=1)
    # With a "crowd" it is divided by the first area, not by the union.
    return size, mask_utils.iou(masks, masks, [1] * len(rows)) * size[:, None]


@AFTER_VIDEO.register_module
class LinkTracks:
    """Join tracks where one ends and another one begins near by, soon after.

    The end of the one is moved on and the beginning of the other moved back with their own mean
    velocities; the mean of the two IoU says how well they meet. The best pairs are joined first,
    and a track has one continuation. The joined track has the id of the first.

    Args:
        max_gap: frames from the last of one to the first of the other, at most; 0: none.
        iou_thr: least mean IoU.
        same_label: only tracks of one class are joined.
        motion_frames: frames at each end that the velocity is taken from.

    Source: linking of tracklets by place and time without appearance, AFLink of StrongSORT,
    arXiv:2202.13514; IoU under constant velocity instead of its network.
    """

    def __init__(self, max_gap: int = 10, iou_thr: float = 0.3, same_label: bool = True,
                 motion_frames: int = 5) -> None:
        if max_gap < 0 or motion_frames < 1 or not 0 < iou_thr <= 1:
            raise BadValue(f'LinkTracks: max_gap {max_gap}, iou_thr {iou_thr}, motion_frames '
                           f'{motion_frames}: expected 0 or more, above 0 up to 1, 1 or more')
        self.max_gap, self.iou_thr = max_gap, iou_thr
        self.same_label, self.motion_frames = same_label, motion_frames

    def __call__(self, tracks: VideoTracks) -> VideoTracks:
        rows = tracks.rows_by_id()
        ids = list(rows)
        fits = []
        for a, b in self._candidates(tracks, list(rows.values())):
            iou = self._meet(tracks, rows[ids[a]], rows[ids[b]])
            if iou >= self.iou_thr:
                fits.append((-iou, ids[a], ids[b]))
        before: dict[int, int] = {}
        continued: set[int] = set()
        for _, a, b in sorted(fits):
            if a not in continued and b not in before:
                before[b] = a
                continued.add(a)
        first: dict[int, int] = {}
        for b in sorted(before, key=lambda i: tracks.frames[rows[i][0]]):  # earlier ones first
            first[b] = first.get(before[b], before[b])
        return tracks.renamed(first)

    def _candidates(self, tracks: VideoTracks, rows: Sequence[np.ndarray]) -> list[list[int]]:
        """Places of the pairs in which the second begins soon after the first ends."""
        start, end = (np.array([tracks.frames[r[n]] for r in rows], np.int64) for n in (0, -1))
        gap = start - end[:, None]
        soon = (gap > 0) & (gap <= self.max_gap)
        if self.same_label:
            labels = np.array([majority(tracks.labels[r]) for r in rows], np.int64)
            soon &= labels == labels[:, None]
        return np.argwhere(soon).tolist()

    def _meet(self, tracks: VideoTracks, a: np.ndarray, b: np.ndarray) -> float:
        """Mean IoU of the end of ``a`` with the beginning of ``b``."""
        gap = int(tracks.frames[b[0]] - tracks.frames[a[-1]])
        end, beginning = tracks.boxes[a[-1]].astype(float), tracks.boxes[b[0]].astype(float)
        ahead = end + gap * self._velocity(tracks, a[-self.motion_frames:])
        back = beginning - gap * self._velocity(tracks, b[:self.motion_frames])
        return (_iou(ahead, beginning) + _iou(back, end)) / 2

    @staticmethod
    def _velocity(tracks: VideoTracks, rows: np.ndarray) -> np.ndarray:
        """(4,) pixels a frame that the centre moves, for both corners."""
        boxes = tracks.boxes[rows[[0, -1]]].astype(float)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        time = max(int(tracks.frames[rows[-1]] - tracks.frames[rows[0]]), 1)
        return np.tile((centres[1] - centres[0]) / time, 2)


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    """Of two boxes (4,), inclusive."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    inter = float(np.prod(np.clip(high - low + 1, 0, None)))
    areas = sum(float(np.prod(box[2:] - box[:2] + 1)) for box in (a, b))
    return inter / (areas - inter)
