#!/usr/bin/env python3
"""Folders of mask images (as in DAVIS and YouTube-VOS) to YouTube-VIS json.

    frames/cat_1/00000.jpg ...    masks/cat_1/00000.png ...   (pixel value = object, 0 = nothing)

    python tools/convert_datasets/mask_png2ytvis.py frames masks --category cat --out ann.json

One folder a video in both places; a mask has the name of its frame (another ending is fine); the
same object has the same number in every frame. Frames without a mask show nothing. If all masks
of a video are of 0 and 255 only, they are of one object. Where a video's masks are in folders of
their own, as tools/demo.py --masks writes them (masks/cat_1/ID/00000.png), each folder is an
object: all that is not 0.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.formats.exchange import Given, Wishes, build_format, convert  # noqa: E402
from mmdet.formats.exchange.png_files import masks_root  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('frames', help='folder with one folder of frames a video')
    add('masks', help='folder with one folder of masks a video')
    add('--out', required=True, metavar='ANN.json', help='annotation file to write')
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument('--category', help='class of every object')
    group.add_argument('--meta', metavar='JSON', help='classes of the objects: {"video": {"1": '
                       '"cat"}}, or the meta.json of YouTube-VOS')
    add('--classes', nargs='+', help='class names in the order of their ids (default: sorted)')
    add('--ignore', type=int, nargs='*', metavar='N',
        help='pixel values that are no object (default: 255, unless there is nothing else)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    masks_root(args.masks)  # says what kind of folder is missing
    reader = build_format('davis', frames=args.frames, meta=args.meta, category=args.category,
                          ignore=args.ignore)
    writer = build_format('ytvis', renumber=True)
    outcome = convert(Given(args.masks), reader, writer, args.out,
                      Wishes(args.classes, need_objects=True))
    print(*outcome.lines(args.out), f'frames start from: {args.frames}', sep='\n')


if __name__ == '__main__':
    run_tool(main)
