#!/usr/bin/env python3
"""Score result files against annotations: no config, no model, no GPU.

    python tools/eval_video.py RESULTS.json ANN.json
    python tools/eval_video.py seed0.json seed1.json seed2.json ANN.json

Prints the official AP and AR, by class and by IoU, and HOTA, IDF1 and id switches. Several result
files are shown side by side.
"""
import argparse
import importlib.util
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.evaluation.report import score_file, tables, to_csv  # noqa: E402
from mmdet.curation.split import find_videos  # noqa: E402
from mmdet.formats.ytvos import YTVOS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.fileio import write_bytes  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('results', nargs='+', help='result json (X.pkl.json), one or several')
    add('annotations', help='annotation json of the same videos, with annotations')
    add('--iou-type', default='segm', choices=['segm', 'bbox'],
        help='overlap of masks, or of the boxes around them')
    add('--videos', metavar='LIST.txt',
        help='score only the videos named there, one a line (folder of the frames, or id)')
    add('--no-tracking', action='store_true',
        help='leave out HOTA, IDF1 and id switches (faster)')
    add('--json', metavar='OUT', help='write all numbers there')
    add('--csv', metavar='OUT', help='write one line a file and class there')
    return parser.parse_args()


def wants_tracking(args: argparse.Namespace) -> bool:
    """Whether identities can be scored; says why if they cannot."""
    if args.no_tracking or args.iou_type == 'bbox':
        return False
    if importlib.util.find_spec('trackeval') is None:
        print('note: HOTA, IDF1 and id switches are left out; for them: pip install trackeval')
        return False
    return True


def read_list(path: str) -> list[str]:
    """The lines of a text file that are not empty."""
    with open(path, encoding='utf-8') as file:
        return [line.strip() for line in file if line.strip()]


def write(path: str | None, text: str) -> None:
    """Write a text file, if one was asked for."""
    if path:
        write_bytes(text.encode(), path)
        print(f'written: {path}')


def main() -> None:
    args = parse_args()
    ytvos = YTVOS(args.annotations)
    tracking = wants_tracking(args)
    videos = find_videos(ytvos, read_list(args.videos)) if args.videos else None
    reports = [score_file(path, ytvos, args.iou_type, tracking, videos) for path in args.results]
    print(tables(reports))
    write(args.json, json.dumps(reports, indent=1))
    write(args.csv, to_csv(reports))


if __name__ == '__main__':
    run_tool(main)
