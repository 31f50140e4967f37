#!/usr/bin/env python3
"""Folders of mask images (as in DAVIS and YouTube-VOS) to YouTube-VIS json.

    frames/cat_1/00000.jpg ...    masks/cat_1/00000.png ...   (pixel value = object, 0 = nothing)

    python tools/convert_datasets/mask_png2ytvis.py frames masks --category cat --out ann.json

One folder a video in both places; a mask has the name of its frame (another ending is fine); the
same object has the same number in every frame. Frames without a mask show nothing. Masks of 0 and
255 only are of one object. Where a video's masks are in folders of their own, as tools/demo.py
--masks writes them (masks/cat_1/ID/00000.png), each folder is an object: all that is not 0.
"""
import argparse
import os
import pathlib
import sys
from collections.abc import Callable, Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402

from mmdet.curation.vis_builder import (  # noqa: E402
    VisBuilder,
    list_videos,
    write,
)
from mmdet.formats.frame_files import list_images  # noqa: E402
from mmdet.formats.json_files import read_json  # noqa: E402
from mmdet.formats.pictures import read_numbers  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadValue, MissingFile  # noqa: E402


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


def category_of(args: argparse.Namespace) -> Callable[[str, int | str], str]:
    """A function of video name and object number that gives the class."""
    if args.category:
        return lambda video, number: args.category
    meta = read_json(args.meta)
    meta = meta.get('videos', meta) if isinstance(meta, dict) else {}

    def lookup(video: str, number: int | str) -> str:
        objects = meta.get(video) or {}
        found = objects.get('objects', objects).get(str(number))
        found = found.get('category') if isinstance(found, dict) else found
        if not isinstance(found, str):
            raise BadValue(f'{args.meta} names no class for object {number} of video {video}')
        return found

    return lookup


def masks_of(folder: str, frames: list[str]) -> list[str | None]:
    """The mask of each frame, None where it has none.

    Raises:
        ValueError: a mask belongs to no frame.
    """
    names = list_images(folder) if os.path.isdir(folder) else []
    masks = {os.path.splitext(name)[0]: os.path.join(folder, name) for name in names}
    stems = [os.path.splitext(frame)[0] for frame in frames]
    stray = sorted(set(masks) - set(stems))
    if stray:
        raise BadValue(f'{masks[stray[0]]}: there is no frame of this name')
    if not masks:
        print(f'note: {folder} has no masks; the video is taken as empty')
    return [masks.get(stem) for stem in stems]


def is_binary(folder: str) -> bool:
    """Whether all masks under a folder are of 0 and 255, and some 255 is there."""
    values = {0}
    for path, _, _ in sorted(os.walk(folder)):
        for name in list_images(path):
            values.update(np.unique(read_numbers(os.path.join(path, name))).tolist())
            if values - {0, 255}:
                return False
    return 255 in values


def convert(args: argparse.Namespace) -> dict:
    """The annotation file of both folders.

    Raises:
        FileNotFoundError: there is no folder of masks.
        ValueError: no object was found, or a mask is unusable.
    """
    if not os.path.isdir(args.masks):
        raise MissingFile(f'{args.masks}: no such folder of masks')
    builder, category = VisBuilder(args.classes), category_of(args)
    ignore = args.ignore
    if ignore is None:
        ignore = [] if is_binary(args.masks) else [255]
    for name, frames, video in builder.add_folders(args.frames):
        for place, key, mask in objects_in(os.path.join(args.masks, name), frames, ignore):
            video.add(place, key, category(name, key), mask)
    return builder.dataset()


def objects_in(folder: str, frames: list[str],
               ignore: list[int]) -> Iterator[tuple[int, int | str, np.ndarray]]:
    """Place of the frame, key and bool (h, w) mask of every object in the masks of a video."""
    objects = list_videos(folder) if os.path.isdir(folder) else []
    if objects or not ignore:
        print(f'note: {folder}: ' + (f'{len(objects)} folders are taken as one object each'
                                     if objects else '255 is taken as the one object'))
    for key in objects:
        for place, path in enumerate(masks_of(os.path.join(folder, key), frames)):
            if path:
                yield place, key, read_numbers(path) != 0
    for place, path in enumerate([] if objects else masks_of(folder, frames)):
        pixels = read_numbers(path) if path else np.zeros(0)
        for number in np.unique(pixels).tolist():
            if number and number not in ignore:
                yield place, number, pixels == number


def main() -> None:
    args = parse_args()
    print(write(convert(args), args.out))
    print(f'frames start from: {args.frames}')


if __name__ == '__main__':
    run_tool(main)
