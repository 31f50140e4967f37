"""Write the small data set of moving shapes, in YouTube-VIS format.

    python tools/convert_datasets/make_shapes.py --out data/shapes
    python tools/convert_datasets/make_shapes.py --preset hard --out data/shapes_hard

The hard preset is for telling trackers apart: look-alikes that cross, objects that hide behind
pillars or leave for a third of the video and come back, blur.
"""
import argparse
import dataclasses
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.curation.dataset_sheet import contact_sheet  # noqa: E402
from mmdet.curation.shapes import KINDS, PRESETS, ShapesSpec, make_shapes  # noqa: E402
from mmdet.formats.ytvos import YTVOS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool, width_x_height  # noqa: E402
from mmdet.formats.pictures import write_picture  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('--out', default='data/shapes', metavar='FOLDER', help='folder to make')
    add('--preset', default='easy', choices=['easy', 'hard'], help='kind of scenes')
    add('--train-videos', type=int, metavar='N', help='how many to train on (160; hard: 120)')
    add('--val-videos', type=int, metavar='N', help='how many to test on (15; hard: 30)')
    add('--length', type=int, metavar='N', help='frames a video (12; hard: 36)')
    add('--size', type=width_x_height, metavar='WxH', help='in pixels (192x128)')
    add('--objects', type=int, metavar='N', help='objects a video (3; hard: 5)')
    add('--classes', nargs='+', metavar='NAME',
        help='out of ' + ', '.join(KINDS) + ' (disc box triangle)')
    add('--seed', type=int, default=0, help='another one gives other videos')
    add('--force', action='store_true', help='replace a folder with other content')
    add('--sheet', metavar='PNG', help='also write a picture of some frames with their masks')
    return parser.parse_args()


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty() or done % 25 == 0 or done == total:
        end = '' if sys.stderr.isatty() and done < total else '\n'
        print(f'\r{done}/{total} videos', end=end, file=sys.stderr, flush=True)


def write_sheet(folder: str, path: str) -> None:
    """Six frames each of four training videos, a row a video."""
    ytvos = YTVOS(f'{folder}/annotations/instances_train.json')
    sheet = contact_sheet(ytvos, f'{folder}/train/JPEGImages', videos=4, frames=6)
    if sheet is not None:
        write_picture(sheet, path)


def main() -> None:
    args = parse_args()
    names = {field.name for field in dataclasses.fields(ShapesSpec)}
    changes = {name: tuple(value) if isinstance(value, list) else value
               for name, value in vars(args).items() if name in names and value is not None}
    spec = dataclasses.replace(PRESETS[args.preset], **changes)
    new = make_shapes(args.out, spec, args.force, show_progress)
    if args.sheet:
        write_sheet(args.out, args.sheet)
    print(f'{args.out}: ' + ('written' if new else 'there already, nothing to do'))


if __name__ == '__main__':
    run_tool(main)
