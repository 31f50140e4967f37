"""HOTA, CLEAR and identity scores of tracks, by the package ``trackeval``."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmdet.evaluation.frame_pairs import FramePairs, Similarities
from mmdet.evaluation.track_iou import MaskTracks, Overlaps
from mmdet.evaluation.track_pairs import TrackPairs
from mmdet.formats.entries import Id
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import MissingPackage

COMBINED = 'cls_comb_det_av'  # over all detections, whatever their class
CLASS_MEAN = 'cls_comb_cls_av'  # the mean over classes


def load_metrics() -> dict[str, Any]:
    """The metrics of ``trackeval`` by name.

    Raises:
        ImportError: the package is not installed.
    """
    try:
        from trackeval.metrics import CLEAR

        from mmdet.evaluation.hota import FastHOTA, SparseIdentity
    except ImportError as error:
        raise MissingPackage('HOTA, IDF1 and id switches need the package trackeval: '
                             f'pip install trackeval ({error})') from None
    config = dict(THRESHOLD=0.5, PRINT_CONFIG=False)
    return dict(HOTA=FastHOTA(), CLEAR=CLEAR(config), Identity=SparseIdentity(config))


def tracking_scores(gt: YTVOS, results: YTVOS, pairs: TrackPairs | None = None,
                    vid_ids: Sequence[Id] | None = None) -> dict[Id, dict[str, dict]]:
    """Score identities the way TrackEval does for YouTube-VIS.

    Every class is scored by itself over all videos; crowds count as objects
    and every track counts, whatever its score.

    Args:
        gt: the annotation index.
        results: what ``gt.loadRes`` returned; its tracks have masks.
        pairs: those of a ``YTVOSeval`` that has evaluated the same files;
            saves overlaying the masks again.
        vid_ids: score these videos only; None: all.

    Returns:
        for each category id, and for ``'cls_comb_cls_av'`` (mean of the
        classes) and ``'cls_comb_det_av'`` (all detections): ``{'HOTA': {...},
        'CLEAR': {...}, 'Identity': {...}}`` with TrackEval's fields; those of
        HOTA are arrays over 19 thresholds.

    Raises:
        ImportError: ``trackeval`` is not installed.
        ValueError: an annotation's mask is broken, or a track has none.
    """
    metrics = load_metrics()
    pairs = pairs or TrackPairs(gt, results)
    vid_ids = list(gt.vids) if vid_ids is None else vid_ids
    pairs.read_objects(vid_ids)
    by_class = {}
    for cat_id in gt.cats:
        sequences = [data for vid in vid_ids if (data := _sequence(pairs, vid, cat_id)) is not None]
        by_class[cat_id] = {
            name: metric.combine_sequences({i: metric.eval_sequence(data) for i, data in
                                            enumerate(sequences or [_nothing()])})
            for name, metric in metrics.items()
        }
    scores = dict(by_class)
    for key, combine in ((CLASS_MEAN, 'combine_classes_class_averaged'),
                         (COMBINED, 'combine_classes_det_averaged')):
        scores[key] = {
            name: getattr(metric, combine)({c: s[name] for c, s in by_class.items()})
            for name, metric in metrics.items()
        }
    return scores


def headline(scores: dict[str, dict]) -> dict[str, float]:
    """The numbers of a table: HOTA, DetA, AssA (means over thresholds), IDF1, IDSW."""
    hota = {key: float(np.mean(scores['HOTA'][key])) for key in ('HOTA', 'DetA', 'AssA')}
    return dict(hota, IDF1=float(scores['Identity']['IDF1']), IDSW=int(scores['CLEAR']['IDSW']))


def _nothing() -> dict:
    """A video without an object or track, for classes that have none."""
    return dict(num_timesteps=0, gt_ids=[], tracker_ids=[], similarity_scores=[],
                num_gt_ids=0, num_tracker_ids=0, num_gt_dets=0, num_tracker_dets=0)


def _sequence(pairs: TrackPairs, vid_id: Id, cat_id: Id) -> dict | None:
    """One video and class as TrackEval's metrics take it; None if both are empty.

    Ids are the places of those tracks that are ever seen.
    """
    gts, dts = pairs.select(vid_id, [cat_id])
    gt_masks, dt_masks = pairs.gt_masks(gts, vid_id), pairs.dt_masks(dts, vid_id)
    gt_seen, dt_seen = _seen(gt_masks), _seen(dt_masks)
    if not gt_seen.any() and not dt_seen.any():
        return None
    gt_rows, dt_rows = gt_seen.any(axis=1), dt_seen.any(axis=1)
    overlaps = pairs.overlaps(vid_id, cat_id, gt_masks, dt_masks)
    gt_seen, dt_seen = gt_seen[gt_rows], dt_seen[dt_rows]
    used = np.flatnonzero(gt_seen.any(axis=0) | dt_seen.any(axis=0))
    gt_ids, dt_ids = _ids(gt_seen, used), _ids(dt_seen, used)
    met = FramePairs(np.searchsorted(used, overlaps.frame), gt_rows.cumsum()[overlaps.gt] - 1,
                     dt_rows.cumsum()[overlaps.dt] - 1, _ious(dt_masks, gt_masks, overlaps),
                     len(used))
    return dict(
        num_timesteps=gt_seen.shape[1], gt_ids=gt_ids, tracker_ids=dt_ids, pairs=met,
        similarity_scores=Similarities(met, gt_ids, dt_ids),
        num_gt_ids=len(gt_seen), num_tracker_ids=len(dt_seen),
        num_gt_dets=int(gt_seen.sum()), num_tracker_dets=int(dt_seen.sum()))


def _seen(tracks: MaskTracks) -> np.ndarray:
    """(N, F) bool: where there is a mask, if only an empty one."""
    seen = np.array([[rle is not None for rle in rles] for rles in tracks.rles], bool)
    return seen.reshape(tracks.areas.shape)


def _ids(seen: np.ndarray, used: np.ndarray) -> list[np.ndarray]:
    """Ids in each of the ``used`` frames."""
    frames, ids = np.nonzero(seen.T)
    return np.split(ids, np.searchsorted(frames, used[1:]))


def _ious(dts: MaskTracks, gts: MaskTracks, pairs: Overlaps) -> np.ndarray:
    """(P,) IoU of each pair."""
    union = (dts.areas[pairs.dt, pairs.frame] + gts.areas[pairs.gt, pairs.frame]) - pairs.pixels
    return pairs.pixels / union
