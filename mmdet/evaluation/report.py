"""Everything worth knowing about result files, as values, tables and csv."""
import csv
import io
import os
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from terminaltables import AsciiTable

from mmdet.evaluation.scoring import check_annotated, evaluated
from mmdet.evaluation.tracking_metrics import COMBINED, headline, tracking_scores
from mmdet.evaluation.ytvoseval import STATS, YTVOSeval
from mmdet.formats.entries import Id
from mmdet.formats.ytvos import YTVOS

TRACKING = ('HOTA', 'DetA', 'AssA', 'IDF1', 'IDSW')
CLASS_COLUMNS = ('AP', 'AP50', 'AP75', 'AR1', 'AR10', *TRACKING)


def score_file(results: str | os.PathLike | list, ytvos: YTVOS, iou_type: str = 'segm',
               tracking: bool = True, vid_ids: Iterable[Id] | None = None) -> dict[str, Any]:
    """Score one result file in every way there is.

    Args:
        results: what ``YTVOS.loadRes`` takes.
        ytvos: the annotation index.
        iou_type: ``'segm'`` or ``'bbox'``.
        tracking: add HOTA, DetA, AssA, IDF1 and IDSW; needs ``trackeval`` and masks.
        vid_ids: score these videos only; None: all.

    Returns:
        ``file``, ``iou_type``, ``videos``, ``tracks``, ``objects`` (counts), ``all`` (the
        twelve numbers and, with ``tracking``, five more), ``ap_per_iou`` (AP
        by threshold) and ``classes``: for each ``id``, ``name``, ``objects``,
        ``tracks`` and the same numbers; -1 where there was nothing to find.

    Raises:
        FileNotFoundError, ValueError, ImportError: one sentence.
    """
    check_annotated(ytvos)
    found = ytvos.loadRes(results)
    evaluator = evaluated(ytvos, found, iou_type, vid_ids)
    vid_ids = evaluator.params.vidIds
    identities = tracking_scores(ytvos, found, evaluator.pairs, vid_ids) if tracking else None
    counts = [Counter(ann['category_id'] for vid in vid_ids for ann in index.vidToAnns.get(vid, ()))
              for index in (ytvos, found)]
    return dict(
        file=found.name, iou_type=iou_type, videos=len(vid_ids),
        objects=sum(counts[0].values()), tracks=sum(counts[1].values()),
        all={**evaluator.numbers(), **_identity(identities, COMBINED)},
        ap_per_iou={f'{iou:.2f}': evaluator.mean('precision', iou)
                    for iou in evaluator.params.iouThrs},
        classes=[_of_class(evaluator, identities, cat, counts) for cat in ytvos.cats])


def _identity(scores: dict[Id, dict] | None, key: Id) -> dict[str, float]:
    return headline(scores[key]) if scores else {}


def _of_class(evaluator: YTVOSeval, identities: dict[Id, dict] | None, cat_id: Id,
              counts: list[Counter]) -> dict:
    numbers = {**evaluator.numbers(cat_id), **_identity(identities, cat_id)}
    return dict(id=cat_id, name=str(evaluator.cocoGt.cats[cat_id].get('name', cat_id)),
                objects=counts[0][cat_id], tracks=counts[1][cat_id], **numbers)


def tables(reports: list[dict]) -> str:
    """Text tables: everything of one report, or several side by side.

    Args:
        reports: what :func:`score_file` returned, at least one.
    """
    if len(reports) > 1:
        return text_table('result files', _side_by_side(reports))
    report = reports[0]
    keys = list(report['all'])
    overall = [[k for k in keys[:12]], [_number(k, report['all'][k]) for k in keys[:12]]]
    parts = [text_table(f'{report["iou_type"]}: {report["tracks"]} tracks, {report["objects"]} '
                    f'objects, {report["videos"]} videos', overall)]
    if len(keys) > 12:
        parts.append(text_table('identities (all classes pooled)', [
            keys[12:], [_number(k, report['all'][k]) for k in keys[12:]]]))
    parts.append(text_table('AP by IoU', [[*report['ap_per_iou']], [
        _number('AP', value) for value in report['ap_per_iou'].values()]]))
    parts.append(text_table('classes', _class_rows(report)))
    return '\n\n'.join(parts)


def _class_rows(report: dict) -> list[list]:
    columns = [name for name in CLASS_COLUMNS if name in report['all']]
    rows = [['class', 'objects', 'tracks', *columns]]
    for entry in report['classes']:
        rows.append([entry['name'], entry['objects'], entry['tracks'],
                     *(_number(name, entry[name]) for name in columns)])
    return rows


def _side_by_side(reports: list[dict]) -> list[list]:
    names = short_names([report['file'] for report in reports])
    rows = [['', *names, 'mean', 'min', 'max']]
    for key in reports[0]['all']:
        values = [report['all'][key] for report in reports]
        spread = np.mean(values), min(values), max(values)
        rows.append([key, *(_number(key, value) for value in (*values, *spread))])
    return rows


def short_names(files: list[str]) -> list[str]:
    """The part of the paths in which they differ."""
    if len(files) < 2 or len(set(files)) < len(files):
        return [os.path.basename(file) for file in files]
    parts = [os.path.normpath(file).split(os.sep) for file in files]
    while all(part and part[0] == parts[0][0] for part in parts):
        parts = [part[1:] for part in parts]
    while all(len(part) > 1 and part[-1] == parts[0][-1] for part in parts):
        parts = [part[:-1] for part in parts]
    return ['/'.join(part) for part in parts]


def _number(key: str, value: float) -> str:
    if value < 0:
        return '-'
    return f'{value:.1f}'.removesuffix('.0') if key == 'IDSW' else f'{value:.3f}'


def text_table(title: str, rows: list[list], left: Collection[int] = ()) -> str:
    """A titled table, its first row the header.

    Args:
        title: above it.
        rows: of cells, as many in each.
        left: columns of words; all but the first are numbers otherwise.
    """
    table = AsciiTable([[str(cell) for cell in row] for row in rows])
    table.justify_columns = {i: 'right' for i in range(1, len(rows[0])) if i not in left}
    return f'{title}\n{table.table}'


def to_csv(reports: list[dict]) -> str:
    """One line a file and class (``all`` first); numbers unrounded, empty where undefined."""
    columns = [name for name in (*STATS, *TRACKING) if name in reports[0]['all']]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(['file', 'iou_type', 'class', 'objects', 'tracks', *columns])
    for report in reports:
        head = report['file'], report['iou_type']
        lines = [('all', report['objects'], report['tracks'], report['all'])]
        lines += [(c['name'], c['objects'], c['tracks'], c) for c in report['classes']]
        for *counts, numbers in lines:
            writer.writerow([*head, *counts, *('' if numbers[c] < 0 else numbers[c]
                                               for c in columns)])
    return text.getvalue()
