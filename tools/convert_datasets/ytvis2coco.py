"""The frames of YouTube-VIS videos as images in COCO format, for detectors without tracking.

    python tools/convert_datasets/ytvis2coco.py instances_train.json --out coco_train.json

Every frame becomes an image, every object in it an annotation with its "track_id"; the categories
keep their ids. The mask_rcnn_*_youtubevos.py configs train on such files.
"""
import argparse
import pathlib
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from pycocotools import mask as mask_utils  # noqa: E402

from mmdet.formats.json_files import write_json  # noqa: E402
from mmdet.formats.rle import json_rle  # noqa: E402
from mmdet.formats.ytvos import YTVOS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('annotations', help='YouTube-VIS json with annotations')
    add('--out', required=True, metavar='COCO.json', help='COCO file to write')
    add('--every', type=int, default=1, metavar='N', help='take every N-th frame of a video')
    return parser.parse_args()


def convert(ytvos: YTVOS, every: int = 1) -> dict[str, Any]:
    """The COCO file."""
    images, annotations = [], []
    for video in ytvos.dataset['videos']:
        objects = ytvos.loadAnns(ytvos.getAnnIds(vidIds=[video['id']]))
        for frame in range(0, len(video['file_names']), every):
            images.append(dict(
                id=len(images) + 1, file_name=video['file_names'][frame], width=video['width'],
                height=video['height'], video_id=video['id'], frame_id=frame))
            for ann in objects:
                rle = ytvos.annToRLE(ann, frame)
                if rle is not None and mask_utils.area(rle) > 0:
                    annotations.append(dict(
                        id=len(annotations) + 1, image_id=len(images), track_id=ann['id'],
                        category_id=ann['category_id'], iscrowd=ann.get('iscrowd', 0),
                        bbox=mask_utils.toBbox(rle).tolist(), area=int(mask_utils.area(rle)),
                        segmentation=json_rle(rle)))
    return dict(images=images, categories=ytvos.dataset['categories'], annotations=annotations)


def main() -> None:
    args = parse_args()
    if args.every < 1:
        raise BadValue(f'--every {args.every}: expected 1 or more')
    coco = convert(YTVOS(args.annotations), args.every)
    write_json(coco, args.out)
    print(f'{args.out}: {len(coco["images"])} images, {len(coco["annotations"])} objects')


if __name__ == '__main__':
    run_tool(main)
