#!/usr/bin/env python3
"""COCO annotations of single frames, with track ids, to YouTube-VIS json.

    python tools/convert_datasets/coco_frames2ytvis.py instances.json --out ann.json

Images are grouped into videos by "video_id", else by the folder in their file name
("street/00000.jpg"), and ordered by "frame_id", else by name; annotations into objects by their
track id.
"""
import argparse
import pathlib
import sys
from collections import defaultdict

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.curation.vis_builder import VisBuilder, write  # noqa: E402
from mmdet.formats.coco_files import check_coco  # noqa: E402
from mmdet.formats.frame_files import natural_key  # noqa: E402
from mmdet.formats.json_files import read_json  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402

TRACK_KEYS = 'track_id', 'instance_id', 'object_id', 'obj_id'


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('annotations', help='COCO json')
    add('--out', required=True, metavar='ANN.json', help='annotation file to write')
    add('--track-key', metavar='KEY',
        help=f'key of the track id (default: the first of {", ".join(TRACK_KEYS)} in use)')
    return parser.parse_args()


def read_coco(path: str) -> dict:
    """A COCO file.

    Raises:
        ValueError: a list is missing, or an entry lacks what is needed.
    """
    coco = read_json(path)
    check_coco(coco, path, dict(
        images=('id', 'file_name', 'width', 'height'), categories=('id', 'name'),
        annotations=('image_id', 'category_id', 'segmentation')))
    return coco


def track_key(coco: dict, asked: str, path: str) -> str:
    """The key under which annotations carry their track id.

    Raises:
        ValueError: there is none, or some annotations lack it.
    """
    keys = [asked] if asked else TRACK_KEYS
    for key in keys:
        have = sum(ann.get(key) is not None for ann in coco['annotations'])
        if have and have < len(coco['annotations']):
            raise BadValue(f'{path}: {len(coco["annotations"]) - have} of '
                           f'{len(coco["annotations"])} annotations have no "{key}"')
        if have:
            return key
    raise BadValue(f'{path}: no annotation has a track id ({" or ".join(keys)}), so nothing says '
                   'which objects are the same in two frames; name the key with --track-key')


def group_videos(images: list[dict]) -> list[list[dict]]:
    """Images by video, frames in order."""
    videos = defaultdict(list)
    for image in images:
        folder = str(pathlib.PurePosixPath(image['file_name']).parent)
        videos[str(image.get('video_id', folder))].append(image)
    ordered = []
    for name in sorted(videos, key=natural_key):
        by_id = all(isinstance(image.get('frame_id'), int) for image in videos[name])
        ordered.append(sorted(videos[name], key=lambda image: (
            image['frame_id'] if by_id else 0, natural_key(image['file_name']))))
    return ordered


def convert(args: argparse.Namespace) -> dict:
    """The annotation file."""
    coco = read_coco(args.annotations)
    key = track_key(coco, args.track_key, args.annotations)
    names = {cat['id']: cat['name'] for cat in sorted(
        coco['categories'], key=lambda c: (isinstance(c['id'], str), c['id']))}
    builder, by_image = VisBuilder(list(names.values())), defaultdict(list)
    for ann in coco['annotations']:
        by_image[ann['image_id']].append(ann)
    for images in group_videos(coco['images']):
        sizes = {(image['width'], image['height']) for image in images}
        if len(sizes) > 1:
            raise BadValue(f'{args.annotations}: the frames with {images[0]["file_name"]} have '
                           f'several sizes, {sorted(sizes)}; a video has one')
        video = builder.add_video([image['file_name'] for image in images], *sizes.pop())
        for place, image in enumerate(images):
            for ann in by_image.pop(image['id'], ()):
                video.add(place, ann[key], names[ann['category_id']], ann['segmentation'],
                          ann.get('iscrowd', 0))
    return builder.dataset()


def main() -> None:
    args = parse_args()
    print(write(convert(args), args.out))


if __name__ == '__main__':
    run_tool(main)
