"""The frames of YouTube-VIS videos as images in COCO format, for detectors without tracking.

    python tools/convert_datasets/ytvis2coco.py instances_train.json --out coco_train.json

Every frame becomes an image, every object in it an annotation with its "track_id"; the categories
keep their ids. The mask_rcnn_*_youtubevos.py configs train on such files.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.formats.exchange import Given, build_format, convert  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('annotations', help='YouTube-VIS json with annotations')
    add('--out', required=True, metavar='COCO.json', help='COCO file to write')
    add('--every', type=int, default=1, metavar='N', help='take every N-th frame of a video')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    writer = build_format('coco', every=args.every)
    outcome = convert(Given(args.annotations), build_format('ytvis'), writer, args.out)
    print(*outcome.lines(args.out), f'{args.out}: {writer.images} images, {writer.objects} objects',
          sep='\n')


if __name__ == '__main__':
    run_tool(main)
