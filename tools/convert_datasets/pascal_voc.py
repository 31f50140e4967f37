"""Turn Pascal VOC into one annotation file for each split.

    python tools/convert_datasets/pascal_voc.py data/VOCdevkit --out-dir data/voc
    python tools/convert_datasets/pascal_voc.py data/VOCdevkit --out-format coco

The folder holds VOC2007 or VOC2012 or both, as released. Written are voc07_SPLIT, voc12_SPLIT and,
of both years, voc0712_SPLIT.json for train, val, trainval and test, where the lists are there
(that of VOC 2012's test is not public). img_prefix is then the folder itself.

  list   what type='CustomDataset' reads (with classes=[...]); scored by the mean AP of VOC
  coco   what type='CocoDataset' reads; difficult objects are crowds; scored as COCO does

Nothing needs this to train on VOC: type='VOCDataset' reads the xml files.
"""
import argparse
import os
import pathlib
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.evaluation.class_names import VOC  # noqa: E402
from mmdet.formats.json_files import write_json  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402  (no torch yet)
from mmdet.utils.errors import MissingFile  # noqa: E402

YEARS = dict(voc07=('VOC2007',), voc12=('VOC2012',), voc0712=('VOC2007', 'VOC2012'))
SPLITS = 'train', 'val', 'trainval', 'test'


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('devkit_path', metavar='VOCdevkit', help='folder that holds VOC2007, VOC2012')
    add('-o', '--out-dir', metavar='DIR', help='where files go; by default the folder itself')
    add('--out-format', default='list', choices=['list', 'coco'], help='see above')
    add('--classes', nargs='+', default=list(VOC), metavar='NAME',
        help='class names in label order, for xml files of other data')
    return parser.parse_args(argv)


def read_split(devkit: str, year: str, split: str, classes: list[str]) -> list[dict] | None:
    """The images of one list as ``CustomDataset`` reads them; None if there is no such list."""
    ids = os.path.join(devkit, year, 'ImageSets', 'Main', f'{split}.txt')
    if not os.path.isfile(ids):
        return None
    from mmdet.datasets import VOCDataset
    dataset = VOCDataset(ids, os.path.join(devkit, year), img_scale=(1000, 600),
                         img_norm_cfg={}, test_mode=True, classes=classes)
    return [image_entry(dataset, place, year) for place in range(len(dataset))]


def image_entry(dataset: Any, place: int, year: str) -> dict[str, Any]:
    """File name from the devkit on, size, and what is in the image, of a ``VOCDataset``."""
    info = dataset.frame_info(place)
    ann = {key: values.tolist() for key, values in dataset.get_ann_info(place).items()}
    return dict(info, filename=f'{year}/{info["filename"]}', ann=ann)


def to_coco(images: list[dict], classes: list[str]) -> dict[str, list[dict]]:
    """The same images as COCO; ids count from 1."""
    annotations = []
    for image_id, image in enumerate(images, 1):
        for kind, crowd in (('', 0), ('_ignore', 1)):
            ann = image['ann']
            for (x1, y1, x2, y2), label in zip(ann[f'bboxes{kind}'], ann[f'labels{kind}']):
                width, height = x2 - x1 + 1, y2 - y1 + 1
                annotations.append(dict(
                    id=len(annotations) + 1, image_id=image_id, category_id=label,
                    bbox=[x1, y1, width, height], area=width * height, iscrowd=crowd))
    return dict(
        images=[dict(id=i, file_name=image['filename'], width=image['width'],
                     height=image['height']) for i, image in enumerate(images, 1)],
        annotations=annotations,
        categories=[dict(id=i, name=name) for i, name in enumerate(classes, 1)])


def main(argv: list[str] | None = None) -> None:
    """Write a file for every split that is there."""
    args = parse_args(argv)
    out_dir, written = args.out_dir or args.devkit_path, 0
    for split in SPLITS:
        found = {year: read_split(args.devkit_path, year, split, args.classes)
                 for year in YEARS['voc0712']}
        for prefix, years in YEARS.items():
            parts = [found[year] for year in years]
            if None in parts:
                continue
            images = [image for part in parts for image in part]
            path = os.path.join(out_dir, f'{prefix}_{split}.json')
            write_json(images if args.out_format == 'list' else to_coco(images, args.classes), path)
            objects = sum(len(image['ann']['labels']) for image in images)
            difficult = sum(len(image['ann']['labels_ignore']) for image in images)
            print(f'written: {path}: {len(images)} images, {objects} objects, {difficult} '
                  'difficult')
            written += 1
    if not written:
        raise MissingFile(f'{args.devkit_path}: expected VOC2007/ImageSets/Main/train.txt or that '
                          'of VOC2012, found neither; give the folder that holds VOC2007')


if __name__ == '__main__':
    run_tool(main)
