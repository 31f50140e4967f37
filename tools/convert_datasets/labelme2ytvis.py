#!/usr/bin/env python3
"""labelme annotations to YouTube-VIS json.

    frames/street/00000.jpg, 00000.json, 00001.jpg, 00001.json ...   one folder a video

    python tools/convert_datasets/labelme2ytvis.py frames --out ann.json

Shapes with the same label and group id are one object through all frames of a video (several in
a frame are its parts). Without a group id a label must be unique in its frame. Polygons, circles,
the masks of the AI tools and rectangles, which are taken as masks, are read; points and lines are
counted. convert.py does the same with more options.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.formats.exchange import Given, Wishes, build_format, convert  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('frames', help='folder with one folder a video, each frame beside its .json')
    add('--out', required=True, metavar='ANN.json', help='annotation file to write')
    add('--classes', nargs='+', help='class names in the order of their ids (default: sorted)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    reader = build_format('labelme', rectangles='masks')
    writer = build_format('ytvis', renumber=True)
    outcome = convert(Given(args.frames), reader, writer, args.out,
                      Wishes(args.classes, need_objects=True))
    print(*outcome.lines(args.out), f'frames start from: {args.frames}', sep='\n')


if __name__ == '__main__':
    run_tool(main)
