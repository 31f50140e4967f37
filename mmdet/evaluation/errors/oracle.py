"""The ids a perfect tracker would give to saved detections: the ceiling of tracking."""
import numpy as np

from mmdet.evaluation.errors.ladder import choose_detections
from mmdet.evaluation.errors.overlaid import Overlaid
from mmdet.evaluation.errors.tracks import Frames
from mmdet.evaluation.errors.types import BACKGROUND
from mmdet.evaluation.track_iou import MaskTracks, Overlaps


def true_ids(found: Overlaid, ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Ids of the D detections of a video, as on the second rung of the oracle ladder.

    Each object gets, of all detections, those whose track has the largest IoU with it; also of
    those that a tracker gave no id. Its other detections leave; tracks of ``ids`` that are on no
    object in any frame stay.

    Args:
        found: the detections over the G objects.
        ids: (D,) int64 of a tracker, -1 for none.
        wanted: (G,) bool objects that are to be found.

    Returns:
        (D,) int64: below G the place of the object, from G up false tracks, -1 none.
    """
    count, length = len(found.gt_areas), found.gt_areas.shape[1]
    first = np.searchsorted(found.frame, np.arange(length))
    row = np.arange(len(found.frame)) - first[found.frame]  # within its frame
    areas = np.zeros((row.max(initial=-1) + 1, length), np.int64)
    areas[row, found.frame] = found.areas
    pairs = Overlaps(found.frame[found.dt], row[found.dt], found.gt, found.pixels)
    frames = Frames(MaskTracks([], found.gt_areas), MaskTracks([], areas), pairs, found.ious)
    chosen = choose_detections(frames, np.arange(len(areas)), wanted).of
    near = np.zeros(len(ids), bool)
    near[found.dt[found.ious > BACKGROUND]] = True
    stays = (ids >= 0) & ~np.isin(ids, ids[near])
    new = np.where(stays, count + ids, -1)
    gt, frame = np.nonzero(chosen >= 0)
    new[first[frame] + chosen[gt, frame]] = gt
    return new
