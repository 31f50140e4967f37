"""Objects and result tracks of a whole data set as arrays."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.track_iou import MaskTracks, Overlaps, mask_track_iou, overlaps
from mmdet.evaluation.track_pairs import TrackPairs
from mmdet.evaluation.ytvoseval import check_scorable
from mmdet.formats.entries import Id, mean_area
from mmdet.formats.ytvos import YTVOS


class Video(NamedTuple):
    """The G objects and D result tracks of a video, of all classes."""
    id: Id
    gts: np.ndarray  # (G,) int64 rows of Tracks.gt
    dts: np.ndarray  # (D,) int64 rows of Tracks.dt
    ious: np.ndarray  # (D, G) float64, over all frames


class Frames(NamedTuple):
    """The same video, frame by frame; F frames, P pairs of masks that may overlap."""
    gt_masks: MaskTracks
    dt_masks: MaskTracks
    pairs: Overlaps
    ious: np.ndarray  # (P,) float64


class Objects(NamedTuple):
    """M annotated objects in the order of the file."""
    ids: Sequence
    video: np.ndarray  # (M,) int64 place in Tracks.videos
    category: np.ndarray  # (M,) int64 place in Tracks.class_ids
    crowd: np.ndarray  # (M,) bool
    ignored: np.ndarray  # (M,) bool: crowds, and others that are not to be found


class Results(NamedTuple):
    """N result tracks in the order of the file."""
    video: np.ndarray  # (N,) int64
    category: np.ndarray  # (N,) int64; -1: a class the annotation file does not list
    score: np.ndarray  # (N,) float64


@dataclass(frozen=True)
class Tracks:
    """What the analysis starts from; ``videos`` and ``class_ids`` are in order of their ids."""
    videos: list[Video]
    class_ids: list
    gt: Objects
    dt: Results


class Traits(NamedTuple):
    """What objects, or result tracks, are grouped by; one value per track."""
    length: np.ndarray  # (N,) int64 frames with a mask that is not empty
    area: np.ndarray  # (N,) float64 mean area in pixels
    company: np.ndarray  # (N,) float64 mean number of objects in the frames of the track


def read_tracks(gt: YTVOS, dt: YTVOS, areas: Sequence[float] = (-np.inf, np.inf)
                ) -> tuple[Tracks, list[Frames]]:
    """Overlay the masks of all objects and result tracks.

    Args:
        gt: the annotation index.
        dt: what ``gt.loadRes`` returned.
        areas: objects of another mean area, in pixels, are ignored.

    Returns:
        the tracks and, per video, their frames.

    Raises:
        ValueError: an annotation or a result track cannot be scored by its masks.
    """
    for ann in gt.anns.values():
        check_scorable(ann, 'segm', gt.name)
    vid_ids, class_ids = sorted(gt.vids), sorted(gt.cats)
    video_of = {vid: place for place, vid in enumerate(vid_ids)}
    class_of = {cat: place for place, cat in enumerate(class_ids)}
    area = np.array([mean_area(ann['areas']) for ann in gt.anns.values()], float)
    crowd = np.array([int(ann['iscrowd']) != 0 for ann in gt.anns.values()], bool)
    objects = Objects(list(gt.anns), _places(gt, 'video_id', video_of),
                      _places(gt, 'category_id', class_of),
                      crowd, crowd | (area < areas[0]) | (area > areas[1]))
    results = Results(_places(dt, 'video_id', video_of), _places(dt, 'category_id', class_of),
                      np.array([ann['score'] for ann in dt.anns.values()], float))
    pairs = TrackPairs(gt, dt)
    pairs.read_objects(vid_ids)
    frames = [_frames(pairs, vid) for vid in vid_ids]
    gt_rows, dt_rows = (_rows(part.video, len(vid_ids)) for part in (objects, results))
    videos = [Video(vid, gts, dts, mask_track_iou(each.dt_masks, each.gt_masks, each.pairs))
              for vid, gts, dts, each in zip(vid_ids, gt_rows, dt_rows, frames)]
    return Tracks(videos, class_ids, objects, results), frames


def _places(index: YTVOS, key: str, place_of: dict) -> np.ndarray:
    return np.array([place_of.get(ann[key], -1) for ann in index.anns.values()], np.int64)


def _rows(video: np.ndarray, count: int) -> list[np.ndarray]:
    """Which rows belong to each of ``count`` videos, ascending."""
    order = np.argsort(video, kind='stable')
    return np.split(order, np.searchsorted(video[order], np.arange(1, count)))


def _frames(pairs: TrackPairs, vid: Id) -> Frames:
    gt_masks = pairs.gt_masks(pairs.gt.vidToAnns.get(vid, ()), vid)
    dt_masks = pairs.dt_masks(pairs.dt.vidToAnns.get(vid, ()), vid)
    both = overlaps(dt_masks, gt_masks)
    union = (dt_masks.areas[both.dt, both.frame] + gt_masks.areas[both.gt, both.frame]
             - both.pixels)
    return Frames(gt_masks, dt_masks, both, both.pixels / union)


def traits(gt: YTVOS, dt: YTVOS, tracks: Tracks, frames: Sequence[Frames]
           ) -> tuple[Traits, Traits]:
    """What the M objects and the N result tracks are grouped by.

    The mean area is the evaluator's: of the file's ``areas`` for objects, of the masks for
    result tracks. Ignored objects are no company.
    """
    both = []
    for index, side in ((gt, 'gts'), (dt, 'dts')):
        areas = np.array([mean_area(ann['areas']) for ann in index.anns.values()], float)
        both.append(Traits(np.zeros(len(areas), np.int64), areas, np.zeros(len(areas))))
        for video, each in zip(tracks.videos, frames):
            masks = each.gt_masks if side == 'gts' else each.dt_masks
            ignored = tracks.gt.ignored[video.gts]
            present = np.count_nonzero(each.gt_masks.areas[~ignored], axis=0)
            seen, rows = masks.areas > 0, getattr(video, side)
            both[-1].length[rows] = length = seen.sum(axis=1)
            both[-1].company[rows] = seen @ present / np.maximum(length, 1)
    return both[0], both[1]
