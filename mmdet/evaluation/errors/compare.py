"""Two result files of the same videos, object by object and track by track."""
from collections import Counter
from typing import Any

import numpy as np

from mmdet.evaluation.errors.analysis import Analysis
from mmdet.evaluation.errors.bootstrap import centred, interval
from mmdet.evaluation.errors.precision import class_mean
from mmdet.evaluation.errors.summary import FATES, best_results, fates, plain, summarize
from mmdet.evaluation.errors.types import KINDS
from mmdet.evaluation.track_iou import mask_track_iou, overlaps

SAME = 0.5  # IoU from which two result tracks are the same


def compare(analysis: Analysis, other: Analysis) -> dict[str, Any]:
    """What is different in another run.

    Args:
        analysis: of the run that is looked at.
        other: of the run it is held against; same annotations and options.

    Returns:
        ``other``, the summary of that run; ``difference``: AP and AP50, other minus this, in
        points, with the interval over samples of videos (the same for both) and the share of
        samples in which the other is better; ``objects``: fate, result and IoU in both per object;
        ``changes``: number of objects per pair of fates; ``gained`` and ``lost`` object
        ids; ``tracks``: per result of this file the one of the other that it overlaps most, if by
        ``SAME`` or more in the same class.
    """
    objects = _objects(analysis, other)
    found = [(each['fate'] == FATES[0], each['other_fate'] == FATES[0]) for each in objects]
    gained, lost = ([each['id'] for each, pair in zip(objects, found) if pair == change]
                    for change in ((False, True), (True, False)))
    changes = Counter((each['fate'], each['other_fate']) for each in objects)
    return dict(
        other=summarize(other), difference=_difference(analysis, other), objects=objects,
        changes={fate: {now: changes[fate, now] for now in FATES} for fate in FATES},
        gained=gained, lost=lost, tracks=_tracks(analysis, other))


def _difference(analysis: Analysis, other: Analysis) -> dict[str, dict]:
    """Other minus this, on the same samples of videos."""
    change = class_mean(other.ap) - class_mean(analysis.ap)
    report = dict(ap=dict(value=change.mean()), ap50=dict(value=change[0]))
    if analysis.options.samples:
        ap, other_ap = analysis.sampled_ap, other.sampled_ap
        for name, values in (('ap', (other_ap - ap).mean(axis=0)), ('ap50', (other_ap - ap)[0])):
            number = report[name]['value']
            report[name].update(interval=interval(values, number, -100),
                                share_better=np.mean(centred(values, number) > 0))
    return plain(report)


def _objects(analysis: Analysis, other: Analysis) -> list[dict]:
    tracks = analysis.tracks
    both = [(fates(each), best_results(each)) for each in (analysis, other)]
    report = []
    for row in np.flatnonzero(analysis.matching.objects).tolist():
        entry = dict(id=tracks.gt.ids[row], video=tracks.videos[tracks.gt.video[row]].id,
                     category=tracks.class_ids[tracks.gt.category[row]])
        for prefix, each, (fate, best) in zip(('', 'other_'), (analysis, other), both):
            result = int(best[row])
            entry[prefix + 'fate'] = FATES[fate[row]]
            entry[prefix + 'result'] = result if result >= 0 else None
            entry[prefix + 'iou'] = each.iou(result, row) if result >= 0 else None
        report.append(entry)
    return report


def _tracks(analysis: Analysis, other: Analysis) -> list[dict]:
    kinds = [[KINDS[kind] if kind >= 0 else None for kind in each.errors[0].kind.tolist()]
             for each in (analysis, other)]
    report = [dict(type=kind, other=None, other_type=None, iou=None) for kind in kinds[0]]
    for video, rival, frames, rival_frames in zip(analysis.tracks.videos, other.tracks.videos,
                                                  analysis.frames, other.frames):
        masks, rival_masks = frames.dt_masks, rival_frames.dt_masks
        ious = mask_track_iou(masks, rival_masks, overlaps(masks, rival_masks))
        same = (analysis.tracks.dt.category[video.dts][:, None]
                == other.tracks.dt.category[rival.dts])
        ious = np.where(same, ious, 0)
        for d in np.flatnonzero(ious.max(axis=1, initial=0) >= SAME):
            row = int(rival.dts[ious[d].argmax()])
            report[video.dts[d]].update(other=row, other_type=kinds[1][row],
                                        iou=float(ious[d].max()))
    return report
