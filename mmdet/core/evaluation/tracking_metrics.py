"""HOTA, CLEAR and identity scores of tracks, by the package ``trackeval``."""
from typing import Any, Optional

import numpy as np

from .annotation_checks import num_frames
from .track_iou import MaskTracks, overlaps
from .ytvos import YTVOS

COMBINED = 'cls_comb_det_av'  # over all detections, whatever their class
CLASS_MEAN = 'cls_comb_cls_av'  # the mean over classes


def load_metrics() -> dict[str, Any]:
    """The metrics of ``trackeval`` by name.

    Raises:
        ImportError: the package is not installed.
    """
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise ImportError('HOTA, IDF1 and id switches need the package trackeval: '
                          f'pip install trackeval ({error})') from None
    config = dict(THRESHOLD=0.5, PRINT_CONFIG=False)
    return dict(HOTA=HOTA(), CLEAR=CLEAR(config), Identity=Identity(config))


def tracking_scores(gt: YTVOS, results: YTVOS) -> dict[Any, dict[str, dict]]:
    """Score identities the way TrackEval does for YouTube-VIS.

    Every class is scored by itself over all videos; crowds count as objects
    and every track counts, whatever its score.

    Args:
        gt: the annotation index.
        results: what ``gt.loadRes`` returned; its tracks have masks.

    Returns:
        for each category id, and for ``'cls_comb_cls_av'`` (mean of the
        classes) and ``'cls_comb_det_av'`` (all detections): ``{'HOTA': {...},
        'CLEAR': {...}, 'Identity': {...}}`` with TrackEval's fields; those of
        HOTA are arrays over 19 thresholds.

    Raises:
        ImportError: ``trackeval`` is not installed.
        ValueError: an annotation's mask is broken.
    """
    metrics = load_metrics()
    objects = list(gt.anns.values())
    masks = {ann['id']: mask for ann, mask in zip(objects, gt.annsToRLEs(objects))}
    by_class = {}
    for cat_id in gt.cats:
        sequences = [data for vid in gt.vids if (
            data := _sequence(gt, results, masks, vid, cat_id)) is not None]
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


def _sequence(gt: YTVOS, results: YTVOS, masks: dict, vid_id: Any, cat_id: Any
              ) -> Optional[dict]:
    """One video and class as TrackEval's metrics take it; None if both are empty."""
    gts = [ann for ann in gt.vidToAnns.get(vid_id, ()) if ann['category_id'] == cat_id]
    dts = [ann for ann in results.vidToAnns.get(vid_id, ()) if ann['category_id'] == cat_id]
    if not gts and not dts:
        return None
    shape = -1, num_frames(gt.vids[vid_id])
    gt_seen = np.array([[rle is not None for rle in masks[ann['id']][0]] for ann in gts], bool)
    dt_seen = np.array([[rle is not None for rle in ann['segmentations']] for ann in dts], bool)
    gt_seen, dt_seen = gt_seen.reshape(shape), dt_seen.reshape(shape)
    similarity = np.zeros((0, ))
    if len(gts) and len(dts):
        gt_tracks = MaskTracks([masks[ann['id']][0] for ann in gts],
                               np.stack([masks[ann['id']][1] for ann in gts]))
        dt_tracks = MaskTracks([ann['segmentations'] for ann in dts],
                               np.array([[a or 0 for a in ann['areas']] for ann in dts]))
        similarity = _ious(dt_tracks, gt_tracks)
    return _timesteps(gt_seen, dt_seen, _ranks(gts, gt_seen), _ranks(dts, dt_seen), similarity)


def _ranks(tracks: list[dict], seen: np.ndarray) -> np.ndarray:
    """Number the tracks that are ever seen from 0, in the order of their ids."""
    ids = np.array([track['id'] for track in tracks])
    ranks = np.full(len(tracks), -1)
    shown = np.flatnonzero(seen.any(axis=1))
    ranks[shown[np.argsort(ids[shown], kind='stable')]] = np.arange(len(shown))
    return ranks


def _ious(dts: MaskTracks, gts: MaskTracks) -> np.ndarray:
    """(F, G, D) IoU of masks in each frame."""
    pairs = overlaps(dts, gts)
    ious = np.zeros((gts.areas.shape[1], len(gts.areas), len(dts.areas)))
    union = (dts.areas[pairs.dt, pairs.frame] + gts.areas[pairs.gt, pairs.frame]) - pairs.pixels
    ious[pairs.frame, pairs.gt, pairs.dt] = pairs.pixels / union
    return ious


def _timesteps(gt_seen: np.ndarray, dt_seen: np.ndarray, gt_ids: np.ndarray,
               dt_ids: np.ndarray, ious: np.ndarray) -> dict:
    """Cut a video into frames; those where nothing is seen change no score."""
    used = np.flatnonzero(gt_seen.any(axis=0) | dt_seen.any(axis=0)).tolist()
    rows = [np.flatnonzero(gt_seen[:, t]) for t in used]
    columns = [np.flatnonzero(dt_seen[:, t]) for t in used]
    similarity = [ious[t][np.ix_(g, d)] if len(g) and len(d) else np.zeros((len(g), len(d)))
                  for t, g, d in zip(used, rows, columns)]
    return dict(num_timesteps=gt_seen.shape[1], gt_ids=[gt_ids[g] for g in rows],
                tracker_ids=[dt_ids[d] for d in columns], similarity_scores=similarity,
                num_gt_ids=int((gt_ids >= 0).sum()), num_tracker_ids=int((dt_ids >= 0).sum()),
                num_gt_dets=int(gt_seen.sum()), num_tracker_dets=int(dt_seen.sum()))
