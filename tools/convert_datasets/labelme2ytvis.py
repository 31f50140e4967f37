#!/usr/bin/env python3
"""labelme annotations to YouTube-VIS json.

    frames/street/00000.jpg, 00000.json, 00001.jpg, 00001.json ...   one folder a video

    python tools/convert_datasets/labelme2ytvis.py frames --out ann.json

Shapes with the same label and group id are one object through all frames of a video (several in
a frame are its parts). Without a group id a label must be unique in its frame. Polygons and
rectangles are read.
"""
import argparse
import os
import pathlib
import sys
from collections import Counter
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.curation.vis_builder import VideoBuilder, VisBuilder, write  # noqa: E402
from mmdet.formats.json_files import read_json  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('frames', help='folder with one folder a video, each frame beside its .json')
    add('--out', required=True, metavar='ANN.json', help='annotation file to write')
    add('--classes', nargs='+', help='class names in the order of their ids (default: sorted)')
    return parser.parse_args()


def polygon(shape: dict, where: str) -> list[float]:
    """[x1, y1, x2, y2, ...] of a labelme shape.

    Raises:
        ValueError: it has no area, or points that are none.
    """
    kind, points = shape.get('shape_type', 'polygon'), shape.get('points')
    try:
        points = [(float(x), float(y)) for x, y in points]
    except (TypeError, ValueError):
        raise BadValue(f'{where}: its points are not pairs of numbers') from None
    if kind == 'rectangle' and len(points) == 2:
        (x1, y1), (x2, y2) = points
        points = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    elif kind != 'polygon' or len(points) < 3:
        raise BadValue(f'{where}: a {kind} of {len(points)} points has no area; draw a polygon '
                       'or a rectangle')
    return [value for point in points for value in point]


def add_frame(video: VideoBuilder, place: int, path: str) -> None:
    """Add the shapes of one labelme file.

    Raises:
        ValueError: no such file format, or objects that cannot be told apart.
    """
    content: Any = read_json(path)
    shapes = content.get('shapes') if isinstance(content, dict) else None
    if not isinstance(shapes, list) or not all(
            isinstance(s, dict) and isinstance(s.get('label'), str) for s in shapes):
        raise BadValue(f'{path}: not a labelme file, it has no list "shapes" with labels')
    alone = Counter(s['label'] for s in shapes if s.get('group_id') is None)
    for label, count in alone.items():
        if count > 1:
            raise BadValue(f'{path}: {count} shapes are labelled "{label}" without a group id; '
                           'give each object a group id of its own in labelme, the same one in '
                           'every frame')
    for shape in shapes:
        group = shape.get('group_id')
        key = shape['label'] if group is None else f'{shape["label"]} {group}'
        video.add(place, key, shape['label'], [polygon(shape, f'{path}, object {key}')])


def convert(args: argparse.Namespace) -> dict:
    """The annotation file of all folders."""
    builder = VisBuilder(args.classes)
    for name, frames, video in builder.add_folders(args.frames):
        folder, labelled = os.path.join(args.frames, name), 0
        for place, frame in enumerate(frames):
            path = os.path.join(folder, os.path.splitext(frame)[0] + '.json')
            if os.path.exists(path):
                labelled += 1
                add_frame(video, place, path)
        if labelled < len(frames):
            print(f'note: {folder}: {len(frames) - labelled} of {len(frames)} frames have no '
                  '.json; they are taken as empty')
    return builder.dataset()


def main() -> None:
    args = parse_args()
    print(write(convert(args), args.out))
    print(f'frames start from: {args.frames}')


if __name__ == '__main__':
    run_tool(main)
