"""Write the small data set of moving shapes, in YouTube-VIS format.

    python tools/convert_datasets/make_shapes.py --out data/shapes
"""
import argparse
import pathlib
import sys

import cv2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.curation.shapes import KINDS, ShapesSpec, contact_sheet, make_shapes  # noqa: E402


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='write a small data set of moving shapes in YouTube-VIS format')
    parser.add_argument('--out', default='data/shapes', help='folder to make')
    parser.add_argument('--train-videos', type=int, default=160)
    parser.add_argument('--val-videos', type=int, default=15)
    parser.add_argument('--length', type=int, default=12, help='frames a video')
    parser.add_argument('--size', default='192x128', help='WIDTHxHEIGHT in pixels')
    parser.add_argument('--objects', type=int, default=3, help='objects a video')
    parser.add_argument('--classes', nargs='+', default=['disc', 'box', 'triangle'],
                        metavar='NAME', help='out of ' + ', '.join(KINDS))
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--force', action='store_true', help='replace a folder with other content')
    parser.add_argument('--sheet', metavar='PNG', help='also write a picture of some frames with their masks')
    args = parser.parse_args()
    try:
        width, height = map(int, args.size.lower().split('x'))
    except ValueError:
        parser.error(f'--size: expected WIDTHxHEIGHT such as 192x128, got {args.size}')
    try:
        args.spec = ShapesSpec(args.train_videos, args.val_videos, args.length, (width, height),
                               args.objects, tuple(args.classes), args.seed)
    except ValueError as error:
        parser.error(str(error))
    return args


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty() or done % 25 == 0 or done == total:
        end = '' if sys.stderr.isatty() and done < total else '\n'
        print(f'\r{done}/{total} videos', end=end, file=sys.stderr, flush=True)


def main() -> None:
    args = parse_args()
    try:
        new = make_shapes(args.out, args.spec, args.force, show_progress)
    except OSError as error:
        sys.exit(str(error))
    if args.sheet:
        cv2.imwrite(args.sheet, contact_sheet(args.spec))
    print(f'{args.out}: ' + ('written' if new else 'there already, nothing to do'))


if __name__ == '__main__':
    main()
