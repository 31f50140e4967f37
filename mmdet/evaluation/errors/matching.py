"""Which result tracks find an object, at several IoU thresholds."""
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import LIMIT, Convention
from mmdet.evaluation.errors.tracks import Tracks, Video
from mmdet.evaluation.track_matching import match_tracks


class Ignored(NamedTuple):
    """What is neither to be found nor wrong."""
    gt: np.ndarray  # (M,) bool objects
    dt: np.ndarray  # (N,) bool result tracks, unless they find an object


class Matching(NamedTuple):
    """T thresholds, N result tracks in the order of the file."""
    thresholds: np.ndarray  # (T,) float64
    found: np.ndarray  # (T, N) int64 row of the object found, -1: none that counts
    counts: np.ndarray  # (T, N) bool: right or wrong, not left out
    objects: np.ndarray  # (M,) bool: to be found

    def free(self, t: int) -> np.ndarray:
        """(M,) bool: to be found, and not found at threshold number ``t``."""
        free = self.objects.copy()
        free[self.found[t][self.found[t] >= 0]] = False
        return free


def match(tracks: Tracks, convention: Convention, thresholds: np.ndarray,
          ignored: Ignored | None = None) -> Matching:
    """Match the results of all videos with their objects, class by class.

    Args:
        tracks: of the data set.
        convention: how.
        thresholds: (T,) smallest IoU that finds an object.
        ignored: objects and results outside a range, beside those of ``tracks.gt.ignored``.
    """
    shape = len(thresholds), len(tracks.dt.score)
    dt_ignore = ignored.dt if ignored else np.zeros(shape[1], bool)
    gt_ignore = tracks.gt.ignored | ignored.gt if ignored else tracks.gt.ignored
    matching = Matching(thresholds, np.full(shape, -1), np.zeros(shape, bool), ~gt_ignore)
    for video in tracks.videos:
        if ignored and not len(video.gts) and not convention.bare_videos_count:
            continue
        order = kept(video, tracks, convention)
        rows = video.dts[order]
        found, excused = _match_video(video, order, tracks, convention, thresholds, gt_ignore)
        matching.found[:, rows] = np.where(excused, -1, found)
        matching.counts[:, rows] = ~excused & ((found >= 0) | ~dt_ignore[rows])
    return matching


def kept(video: Video, tracks: Tracks, convention: Convention) -> np.ndarray:
    """Places (K,) in ``video.dts`` of the results that are looked at, best score first."""
    order = np.argsort(-tracks.dt.score[video.dts], kind='stable')
    classes = tracks.dt.category[video.dts[order]]
    if not convention.limit_per_class:
        return order[:LIMIT][classes[:LIMIT] >= 0]
    rank = np.zeros(len(order), np.int64)
    for category in np.unique(classes):
        same = classes == category
        rank[same] = np.arange(same.sum())
    return order[(rank < LIMIT) & (classes >= 0)]


def _match_video(video: Video, order: np.ndarray, tracks: Tracks, convention: Convention,
                 thresholds: np.ndarray, gt_ignore: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, K) rows of the objects found by the kept results or -1, and whether those are ignored."""
    gts = video.gts if convention.last_of_equal else video.gts[::-1]
    ious = video.ious[order] if convention.last_of_equal else video.ious[order][:, ::-1]
    same = tracks.dt.category[video.dts[order]][:, None] == tracks.gt.category[gts]
    ious = np.where(same, ious, -1.0)
    ignore = gt_ignore[gts]
    if not convention.ignore_at_threshold:  # x > t is what the float below x >= t is
        ious[:, ignore] = np.nextafter(ious[:, ignore], -1)
    again = tracks.gt.crowd[gts] if convention.ignore_once else ignore
    found, excused = match_tracks(ious, thresholds, ignore[None], again)
    found = found[0]
    return np.where(found >= 0, np.append(gts, -1)[found], -1), excused[0]
