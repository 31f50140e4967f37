#!/usr/bin/env python3
"""COCO annotations of single frames, with track ids, to YouTube-VIS json.

    python tools/convert_datasets/coco_frames2ytvis.py instances.json --out ann.json

Images are grouped into videos by "video_id", else by the folder in their file name
("street/00000.jpg"), and ordered by "frame_id", else by name; annotations into objects by their
track id. convert.py does the same with more options.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.formats.exchange import Given, Wishes, build_format, convert  # noqa: E402
from mmdet.formats.exchange.coco import TRACK_KEYS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('annotations', help='COCO json')
    add('--out', required=True, metavar='ANN.json', help='annotation file to write')
    add('--track-key', metavar='KEY',
        help=f'key of the track id (default: the first of {", ".join(TRACK_KEYS)} in use)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    reader = build_format('coco', track_key=args.track_key)
    writer = build_format('ytvis', renumber=True)
    outcome = convert(Given(args.annotations), reader, writer, args.out, Wishes(need_objects=True))
    print(*outcome.lines(args.out), sep='\n')


if __name__ == '__main__':
    run_tool(main)
