"""An analysis as text tables, and as csv with a line per track."""
import csv
import io
from collections.abc import Sequence
from typing import Any

from mmdet.evaluation.errors.causes import CAUSES
from mmdet.evaluation.errors.fixes import SPECIAL
from mmdet.evaluation.errors.summary import FATES
from mmdet.evaluation.errors.types import ERRORS
from mmdet.evaluation.report import short_names, text_table
from mmdet.formats.ytvos import YTVOS


def tables(report: dict[str, Any]) -> str:
    """The text of a summary, with its comparison if it has one."""
    parts = [_headline(report), _errors(report), _causes(report), _ladder(report),
             _slices(report), _ages(report), _classes(report)]
    if 'compare' in report:
        parts.append(_compared(report))
    return '\n\n'.join(parts)


def number(value: float | None, interval: Sequence[float] | None = None) -> str:
    """One decimal, with an interval behind; ``-`` where there is nothing to find."""
    if value is None:
        return '-'
    text = f'{round(value, 1) + 0.0:.1f}'  # never -0.0
    return text if interval is None else f'{text} [{interval[0]:.1f}, {interval[1]:.1f}]'


def _headline(report: dict) -> str:
    intervals = report['intervals'] or {}
    text = (f'{report["file"]}: {report["tracks"]} tracks, {report["num_gt"]} objects, '
            f'{report["videos"]} videos; {report["convention"]} convention, in percent\n'
            f'AP {number(report["ap"], intervals.get("ap"))}   '
            f'AP50 {number(report["ap50"], intervals.get("ap50"))}')
    if intervals:
        text += (f'   ({100 * intervals["level"]:.0f} % of {intervals["samples"]} samples '
                 'of the videos)')
    left_out = [f'{count} {why}' for why, count in report['left_out'].items() if count]
    return text + (f'\ntracks without a type: {", ".join(left_out)}' if left_out else '')


def _errors(report: dict) -> str:
    rows = [['error', 'tracks', 'dAP50', 'dAP', 'what it is']]
    intervals = report['intervals'] or {}
    for name in (*ERRORS, *SPECIAL):
        group = 'special' if name in SPECIAL else 'dap'
        rows.append([name, report['counts'].get(name, ''),
                     number(report[group][name], intervals.get(group, {}).get(name)),
                     number(report['dap_mean'][name]), report['meanings'][name]])
    return text_table('what mending each kind of error would gain, alone', rows, left=(4,))


def _causes(report: dict) -> str:
    rows = [['cause', 'tracks', 'frames', 'dAP50', 'dAP', 'frames of TP', 'what it is']]
    for name, cause in report['temporal']['causes'].items():
        rows.append([name, cause['results'], cause['frames'], number(cause['dap']),
                     number(cause['dap_mean']), cause['frames_of_tp'], report['meanings'][name]])
    title = (f'the {report["counts"]["Temp"]} temporal errors, by what most of their frames are '
             'lost to')
    return text_table(title, rows, left=(6,))


def _ladder(report: dict) -> str:
    rows = [['', *report['ladder']]]
    for key, name in (('ap', 'AP'), ('ap50', 'AP50')):
        rows.append([name, *(number(rung[key]) for rung in report['ladder'].values())])
    return text_table('the oracle ladder: the same detections with, one after the other', rows)


def _slices(report: dict) -> str:
    rows = [['objects', '', 'AP', 'AP50', *FATES]]
    for key, name in (('ranges', 'length'), ('sizes', 'size'), ('crowding', 'objects per frame')):
        for label, part in report[key].items():
            rows.append([f'{name}: {label} {_limits(part["limits"])}', part['num_gt'],
                         number(part['ap']), number(part['ap50']), *part['fates'].values()])
    return text_table('what became of the objects', rows)


def _limits(limits: Sequence[float | None]) -> str:
    low, high = limits
    if high is None:
        return f'(over {low:.5g})'
    return f'(up to {high:.5g})' if low is None else f'(to {high:.5g})'


AGES = ((0, 0), (1, 4), (5, 9), (10, 19), (20, None))


def _ages(report: dict) -> str:
    """Shares of the objects by the number of frames since each was first seen."""
    rows = [['frames since first seen', 'masks', 'held, %', 'by its first track, %']]
    for first, last in AGES:
        seen, held, kept = (sum(values[first:None if last is None else last + 1])
                            for values in report['ages'].values())
        if seen:
            label = f'{first} and more' if last is None else f'{first} to {last}'
            rows.append([str(first) if first == last else label, seen,
                         number(100 * held / seen), number(100 * kept / seen)])
    return text_table('objects that a track holds (frame IoU 0.5 or more)', rows)


def _classes(report: dict) -> str:
    kinds = list(ERRORS)
    rows = [['class', 'objects', 'tracks', 'AP', 'AP50', 'TP', *kinds]]
    for entry in report['classes']:
        counts = entry['counts']
        rows.append([entry['name'], entry['objects'], entry['tracks'], number(entry['ap']),
                     number(entry['ap50']), *(counts[kind] for kind in ('TP', *kinds))])
    return text_table('classes', rows)


def _compared(report: dict) -> str:
    other, change = report['compare']['other'], report['compare']['difference']
    names = short_names([report['file'], other['file']])
    rows = [['', *names, 'change', 'better in']]
    for key, name in (('ap', 'AP'), ('ap50', 'AP50')):
        share = change[key].get('share_better')
        rows.append([name, number(report[key]), number(other[key]),
                     number(change[key]['value'], change[key].get('interval')),
                     '' if share is None else f'{100 * share:.0f} %'])
    for name in ERRORS:
        rows.append([f'dAP50 {name}', number(report['dap'][name]), number(other['dap'][name]),
                     '', ''])
    fates = [['', *FATES]]
    for fate, row in report['compare']['changes'].items():
        fates.append([fate, *row.values()])
    gained, lost = (len(report['compare'][key]) for key in ('gained', 'lost'))
    title = f'objects: rows here, columns there ({gained} found only there, {lost} only here)'
    return text_table('compared with', rows) + '\n\n' + text_table(title, fates)


COLUMNS = ('kind', 'place', 'video', 'category', 'score', 'length', 'type', 'object', 'iou',
           'cause', *CAUSES, 'cost')


def to_csv(report: dict[str, Any], gt: YTVOS, dt: YTVOS) -> str:
    """A line per result track (``place`` in its file), and one per missed object (its id).

    ``object`` is the one found or aimed at, ``cost`` the points of AP50 that mending this
    one gains; the causes are frames.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    for place, track in enumerate(dt.anns.values()):
        writer.writerow(_result_line(report, place, track))
    for obj in report['missed_gt']:
        writer.writerow(dict(
            kind='object', place=obj, video=gt.anns[obj]['video_id'],
            category=gt.anns[obj]['category_id'], length=report['gt_track_length'][str(obj)],
            type='Miss', object=obj, cost=report['cost_per_missed'][str(obj)]))
    return text.getvalue()


def _result_line(report: dict, place: int, track: dict) -> dict:
    aimed = report['object_per_result'][place]
    iou = next((iou for obj, iou in report['iou_per_result'][place] if obj == aimed), None)
    return dict(
        kind='result', place=place, video=track['video_id'], category=track['category_id'],
        score=track['score'], length=report['result_track_length'][place],
        type=report['type_per_result'][place], object=aimed, iou=iou,
        cause=report['temporal']['cause_per_result'][place],
        **(report['temporal']['frames_per_result'][place] or {}),
        cost=report['cost_per_result'][place])
