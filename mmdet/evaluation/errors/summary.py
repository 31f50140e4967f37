"""An analysis as one dict of plain values, as ``--json`` writes it."""
from collections import Counter
from typing import Any

import numpy as np

from mmdet.evaluation.errors.analysis import Analysis
from mmdet.evaluation.errors.bootstrap import LEVEL, interval
from mmdet.evaluation.errors.causes import CAUSE_MEANINGS, CAUSES, by_age
from mmdet.evaluation.errors.conventions import LIMIT
from mmdet.evaluation.errors.fixes import SPECIAL, SPECIAL_MEANINGS, gains
from mmdet.evaluation.errors.precision import (average_precision, class_mean, outcome,
                                               precision_at_levels, reading_order)
from mmdet.evaluation.errors.slices import Slice, slices
from mmdet.evaluation.errors.types import (AIMING, CLS, ERRORS, KINDS, MEANINGS, SPAT, TEMP, TP,
                                           Errors)

FATES = (*(KINDS[kind] for kind in (TP, *AIMING)), 'Miss')  # what can become of an object


def summarize(analysis: Analysis) -> dict[str, Any]:
    """Everything there is to know, as values that json can hold.

    All AP and differences of it are in percent; None where there is nothing to find. Lists named
    ``..._per_result`` have an entry per entry of the result file.
    """
    return dict(
        file=analysis.dt.name, annotations=analysis.gt.name,
        convention=analysis.options.convention,
        meanings={**MEANINGS, **SPECIAL_MEANINGS, **CAUSE_MEANINGS},
        videos=len(analysis.tracks.videos), tracks=len(analysis.tracks.dt.score),
        **_scores(analysis), **_types(analysis), **_costs(analysis), **_overlaps(analysis),
        ranges=_sliced(analysis, 'length', _lengths(analysis)),
        sizes=_sliced(analysis, 'area', _sizes(analysis)),
        crowding=_sliced(analysis, 'company', _companies(analysis)),
        classes=_classes(analysis), temporal=_temporal(analysis), ladder=_ladder(analysis),
        ages=_ages(analysis), held_by=_held_by(analysis), curves=_curves(analysis))


def plain(values: Any) -> Any:
    """Arrays as lists, NaN as None."""
    if isinstance(values, dict):
        return {key: plain(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [plain(value) for value in values]
    if isinstance(values, np.ndarray):
        return plain(values.tolist())
    if isinstance(values, np.generic):
        return plain(values.item())
    return None if isinstance(values, float) and values != values else values


def _ap(values: np.ndarray) -> dict[str, Any]:
    """AP (T,) under its three names."""
    return plain(dict(ap_per_threshold=values, ap=values.mean(), ap50=values[0]))


def _scores(analysis: Analysis) -> dict[str, Any]:
    ids = analysis.tracks.class_ids
    per_class = [{str(cat): value for cat, value in zip(ids, values) if value == value}
                 for values in analysis.ap.tolist()]
    return dict(thresholds=plain(analysis.thresholds), **_ap(class_mean(analysis.ap)),
                num_gt=int(analysis.matching.objects.sum()),
                ap_per_threshold_per_category=per_class,
                intervals=_intervals(analysis))


def _intervals(analysis: Analysis) -> dict[str, Any] | None:
    """Between which bounds the middle ``LEVEL`` of the samples lie; None without samples."""
    if not analysis.options.samples:
        return None
    fixes, convention = analysis.fixes[0], analysis.convention
    now = class_mean(analysis.ap)
    ap = analysis.sampled_ap
    gained, sampled = gains(fixes, convention), gains(fixes, convention, analysis.samples)
    ends = {name: interval(sampled[name], gained[name][0], 0 if name in ERRORS else -100)
            for name in sampled}
    return dict(level=LEVEL, samples=analysis.options.samples, seed=analysis.options.seed,
                ap=interval(ap.mean(axis=0), now.mean()), ap50=interval(ap[0], now[0]),
                dap={name: ends[name] for name in ERRORS},
                special={name: ends[name] for name in SPECIAL})


def _types(analysis: Analysis) -> dict[str, Any]:
    errors, ids = analysis.errors[0], np.array(analysis.tracks.gt.ids, object)
    names = [KINDS[kind] if kind >= 0 else None for kind in errors.kind.tolist()]
    counts = Counter(names)
    return dict(
        iou=float(analysis.thresholds[0]), type_per_result=names,
        counts={**{name: counts[name] for name in KINDS[1:]}, 'Miss': int(errors.missed.sum()),
                'TP': counts['TP']},
        gt_per_tp=_targets(errors, ids, TP), unmatched_gt=ids[errors.unmatched].tolist(),
        missed_gt=ids[errors.missed].tolist(), left_out=_left_out(analysis),
        class_error_gt_per_result=_targets(errors, ids, CLS),
        object_per_result=_targets(errors, ids, TP, *AIMING), fates=_fates(analysis),
        result_per_gt={str(ids[row]): int(place)
                       for row, place in enumerate(best_results(analysis)) if place >= 0})


def _targets(errors: Errors, ids: np.ndarray, *kinds: int) -> list:
    """Ids of the objects that results of these kinds find or aim at, else None."""
    return [ids[target] if kind in kinds else None
            for kind, target in zip(errors.kind.tolist(), errors.target.tolist())]


def _left_out(analysis: Analysis) -> dict[str, int]:
    """Why results have no type."""
    unlisted = analysis.tracks.dt.category < 0
    excused = ~analysis.matching.counts[0] & analysis.looked_at
    return {'class not in the annotations': int(unlisted.sum()),
            f'below the best {LIMIT}': int((~analysis.looked_at & ~unlisted).sum()),
            'on a crowd or an ignored object': int(excused.sum())}


def _fates(analysis: Analysis) -> dict[str, str]:
    """What became of every object to be found: the type of the result that finds it, or of the
    best-scored one that aims at it, or ``Miss``."""
    return {str(analysis.tracks.gt.ids[row]): FATES[fate]
            for row, fate in enumerate(fates(analysis).tolist()) if fate >= 0}


def best_results(analysis: Analysis) -> np.ndarray:
    """(M,) row of the result that decides the fate of each object; -1 for missed ones."""
    errors, winner = analysis.errors[0], analysis.fixes[0].winner
    best = np.full(len(errors.missed), -1)
    rows = np.flatnonzero((errors.kind == TP) | winner)
    best[errors.target[rows]] = rows
    return best


def fates(analysis: Analysis) -> np.ndarray:
    """(M,) place in FATES; -1 for ignored objects."""
    best, kind = best_results(analysis), analysis.errors[0].kind
    fate = np.where(analysis.matching.objects, len(FATES) - 1, -1)
    for place, which in enumerate((TP, *AIMING)):
        fate[(best >= 0) & (np.append(kind, -1)[best] == which)] = place
    return fate


def _costs(analysis: Analysis) -> dict[str, Any]:
    per_threshold = [gains(fixes, analysis.convention) for fixes in analysis.fixes]
    names = (*ERRORS, *SPECIAL)
    values = {name: np.array([gained[name][0] for gained in per_threshold]) for name in names}
    missed = np.flatnonzero(analysis.errors[0].missed).tolist()
    return plain(dict(
        dap={name: values[name][0] for name in ERRORS},
        special={name: values[name][0] for name in SPECIAL},
        dap_per_threshold=values, dap_mean={name: value.mean() for name, value in values.items()},
        cost_per_result=analysis.costs.of_result,
        cost_per_missed={str(analysis.tracks.gt.ids[row]): analysis.costs.of_missed[row]
                         for row in missed}))


def _overlaps(analysis: Analysis) -> dict[str, Any]:
    ids, errors = analysis.tracks.gt.ids, analysis.errors[0]
    ious: list[list] = [[] for _ in errors.kind]
    localisation: list[dict | None] = [None for _ in errors.kind]
    for video, overlap in zip(analysis.tracks.videos, analysis.overlaps):
        for d, g in np.argwhere(video.ious > 0).tolist():
            ious[video.dts[d]].append([ids[video.gts[g]], float(video.ious[d, g])])
        for d, row in enumerate(video.dts.tolist()):
            if errors.kind[row] in (SPAT, TEMP):
                g = int(np.searchsorted(video.gts, errors.target[row]))
                localisation[row] = dict(gt=ids[video.gts[g]], frames=[
                    int(frames[d, g]) for frames in (overlap.near, overlap.either)])
    gts, dts = analysis.traits
    return dict(iou_per_result=ious, localisation_per_result=localisation,
                gt_track_length=dict(zip(map(str, ids), gts.length.tolist())),
                result_track_length=dts.length.tolist())


def _lengths(analysis: Analysis) -> list[Slice]:
    return slices(('short', 'medium', 'long'), analysis.options.length_limits)


def _sizes(analysis: Analysis) -> list[Slice]:
    return slices(('small', 'medium', 'large'), analysis.options.size_limits, shared=True)


def _companies(analysis: Analysis) -> list[Slice]:
    return slices(('few', 'some', 'many'), analysis.options.company_limits)


def _sliced(analysis: Analysis, trait: str, parts: list[Slice]) -> dict[str, dict]:
    """AP and fates of the objects in each slice of a trait."""
    values, fate = getattr(analysis.traits[0], trait), fates(analysis)
    report = {}
    for part in parts:
        ap, number = analysis.slice_ap(trait, part)
        inside = fate[~part.misses(values) & (fate >= 0)]
        report[part.label] = dict(
            thresholds=plain(analysis.thresholds), **_ap(ap), num_gt=number,
            limits=[None if abs(end) == np.inf else float(end) for end in part[1:]],
            fates=dict(zip(FATES, np.bincount(inside, minlength=len(FATES)).tolist())))
    return report


def _classes(analysis: Analysis) -> list[dict]:
    """Per class: AP, number of each type, and points of its AP50 that each fix gains."""
    tracks, errors, fixes = analysis.tracks, analysis.errors[0], analysis.fixes[0]
    gained = {name: np.maximum(average_precision(fixes.fix(name), analysis.convention)[0]
                               - analysis.ap[0], 0) for name in ERRORS}
    rows = []
    for k, cat in enumerate(tracks.class_ids):
        kinds = errors.kind[(tracks.dt.category == k) & (errors.kind >= 0)]
        of_class = tracks.gt.category == k
        counts = dict(zip(KINDS, np.bincount(kinds, minlength=len(KINDS)).tolist()))
        counts['Miss'] = int((errors.missed & of_class).sum())
        rows.append(plain(dict(
            id=cat, name=str(analysis.gt.cats[cat].get('name', cat)),
            objects=(analysis.matching.objects & of_class).sum(), tracks=len(kinds),
            ap=analysis.ap[:, k].mean(), ap50=analysis.ap[0, k], counts=counts,
            dap={name: values[k] for name, values in gained.items()})))
    return rows


def _temporal(analysis: Analysis) -> dict[str, Any]:
    """The temporal errors by their main cause, and the frames they and right tracks lose."""
    lost = [analysis.lost_frames(t, TEMP) for t in range(len(analysis.thresholds))]
    main = [np.where(frames.any(axis=1), frames.argmax(axis=1), -1) for frames in lost]
    gained = np.zeros((len(CAUSES), len(lost)))
    for (c, t), _ in np.ndenumerate(gained):
        fixed = average_precision(analysis.fixes[t].mend(main[t] == c), analysis.convention)
        gained[c, t] = max(0, class_mean(fixed)[0] - class_mean(analysis.ap[t]))
    right = analysis.lost_frames(0, TP).sum(axis=0)
    causes = {name: dict(results=(main[0] == c).sum(), frames=lost[0].sum(axis=0)[c],
                         dap=gained[c, 0], dap_mean=gained[c].mean(), frames_of_tp=right[c])
              for c, name in enumerate(CAUSES)}
    return plain(dict(
        causes=causes,
        cause_per_result=[CAUSES[c] if c >= 0 else None for c in main[0]],
        frames_per_result=[dict(zip(CAUSES, frames)) if any(frames) else None
                           for frames in (lost[0] + analysis.lost_frames(0, TP)).tolist()]))


def _ladder(analysis: Analysis) -> dict[str, dict]:
    return {rung: _ap(values) for rung, values in analysis.ladder().items()}


def _ages(analysis: Analysis) -> dict[str, list]:
    """How many objects are there, held by a result, and by the one that held them first, by the
    number of frames since each was first seen."""
    to_find = [analysis.matching.objects[video.gts] for video in analysis.tracks.videos]
    return plain(by_age(analysis.holdings, to_find)._asdict())


def _held_by(analysis: Analysis) -> dict[str, list[int | None]]:
    """Per object and frame the place in the file of the result that holds it."""
    report = {}
    for video, held in zip(analysis.tracks.videos, analysis.holdings):
        rows = np.append(video.dts, -1)[held.owner]
        for obj, line in zip(video.gts.tolist(), rows.tolist()):
            report[str(analysis.tracks.gt.ids[obj])] = [row if row >= 0 else None for row in line]
    return report


def _curves(analysis: Analysis) -> dict[str, Any]:
    """Precision at the levels of recall, mean over the classes, at IoU 0.5 and 0.75."""
    order = reading_order(analysis.tracks, analysis.convention)
    curves = {}
    for t in (0, 5):
        found = outcome(analysis.tracks, analysis.matching, t, order)
        per_class = precision_at_levels(found, analysis.convention)
        curves[f'{analysis.thresholds[t]:.2f}'] = class_mean(per_class.T)
    return plain(dict(recall=100 * analysis.convention.levels, precision=curves))
