#!/usr/bin/env python3
"""Where AP is lost: error types, causes, oracles. No config, no model, no GPU.

    python tools/analysis/analyze_errors.py RESULTS.json ANN.json
    python tools/analysis/analyze_errors.py RESULTS.json ANN.json --compare OTHER.json \\
        --html page.html --images data/shapes/val/JPEGImages

Every result track is a hit or an error of one type, and every type is mended by itself to see what
it costs. Temporal errors are split by cause; an oracle ladder says what perfect ids, classes and
masks would reach. All numbers are in percent.
"""
import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.evaluation.errors import Analysis, Options, compare, summarize, tables, to_csv  # noqa: E402
from mmdet.evaluation.errors.conventions import CONVENTIONS  # noqa: E402
from mmdet.evaluation.report import short_names  # noqa: E402
from mmdet.formats.ytvos import YTVOS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.fileio import atomic_write  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('results', help='result json (X.pkl.json)')
    add('annotations', help='annotation json of the same videos, with annotations')
    add('--convention', default='official', choices=list(CONVENTIONS),
        help='count as the evaluator of YouTube-VIS does, or as TIVE')
    add('--compare', metavar='OTHER.json', help='another result file of the same videos')
    add('--json', metavar='OUT', help='write all numbers there')
    add('--csv', metavar='OUT', help='write a line per result track and missed object there')
    add('--html', metavar='OUT', help='write one self-contained page there (needs jinja2)')
    add('--images', metavar='FOLDER', help='folder of the frames, for the page')
    add('--worst', type=int, default=24, metavar='N', help='errors shown as strips on the page')
    add('--most-tracks', type=int, default=20, metavar='N',
        help='best-scored tracks of a video that can be looked at on the page')
    add('--megabytes', type=float, default=20, metavar='MB',
        help='of frames on the page, for as many videos as there is room, the costliest first')
    add('--length-limits', type=float, nargs=2, default=[16, 32], metavar='FRAMES',
        help='up to these a track is short, and medium')
    add('--size-limits', type=float, nargs=2, default=[128, 256], metavar='PIXELS',
        help='up to the squares of these its mean area is small, and medium')
    add('--crowd-limits', type=float, nargs=2, default=[2, 5], metavar='OBJECTS',
        help='up to so many objects in its frames are few, and some')
    add('--samples', type=int, default=1000, metavar='N',
        help='samples of the videos for the intervals, 0: none')
    add('--seed', type=int, default=0, help='of the samples')
    return parser.parse_args()


def write(path: str | None, text: str) -> None:
    """Write a text file, if one was asked for."""
    if path:
        with atomic_write(path, 'w') as file:
            file.write(text)
        print(f'written: {path}')


def write_html(args: argparse.Namespace, analysis: Analysis, other: Analysis | None,
               report: dict) -> None:
    # here: matplotlib takes longer to import than a small file to analyse
    from mmdet.visualization.error_page import PageOptions, Run, write_page
    runs = [Run(report, analysis.dt)]
    if other is not None:
        runs.append(Run(report['compare']['other'], other.dt))
    names = short_names([run.results.name for run in runs])
    write_page(args.html, analysis.gt, runs, names,
               PageOptions(args.images, args.worst, args.most_tracks, args.megabytes))
    print(f'written: {args.html}')


def main() -> None:
    """Analyse one or two result files; print tables, write what was asked for."""
    args = parse_args()
    ytvos = YTVOS(args.annotations)
    options = Options(args.convention, args.length_limits, [side**2 for side in args.size_limits],
                      args.crowd_limits, args.samples, args.seed)
    analysis = Analysis(args.results, ytvos, options)
    other = Analysis(args.compare, ytvos, options) if args.compare else None
    report = summarize(analysis)
    if other is not None:
        report['compare'] = compare(analysis, other)
    print(tables(report))
    write(args.json, json.dumps(report, indent=1, allow_nan=False))
    write(args.csv, to_csv(report, analysis.gt, analysis.dt))
    if args.html:
        write_html(args, analysis, other, report)


if __name__ == '__main__':
    run_tool(main)
