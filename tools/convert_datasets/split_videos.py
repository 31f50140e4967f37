#!/usr/bin/env python3
"""Cut a validation set off an annotation file, by video and stratified by category.

    python tools/convert_datasets/split_videos.py data/youtube_vis_2019/train.json

writes train_train.json, train_val.json and the lists of their videos beside it. Every category
seen in two videos or more is on both sides; the same seed gives the same split.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from terminaltables import AsciiTable  # noqa: E402

from mmdet.curation.split import names_of, part, shown_categories, split_videos  # noqa: E402
from mmdet.formats.json_files import write_json  # noqa: E402
from mmdet.formats.ytvos import YTVOS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.fileio import write_bytes  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('annotations', help='annotation json')
    add('--val-ratio', type=float, default=0.15, help='share of the videos for validation')
    add('--seed', type=int, default=0, help='another one gives another split')
    add('--out', metavar='FOLDER', help='where the files go (default: beside the input)')
    return parser.parse_args()


def table(ytvos: YTVOS, val: set) -> str:
    """Videos of each category on each side."""
    shown = shown_categories(ytvos)
    rows = [['category', 'train', 'val']]
    rows.append(['all', len(shown) - len(val), len(val)])
    for cat_id, cat in ytvos.cats.items():
        with_cat = {vid for vid, cats in shown.items() if cat_id in cats}
        rows.append([cat.get('name', cat_id), len(with_cat - val), len(with_cat & val)])
    return AsciiTable([[str(cell) for cell in row] for row in rows], ' videos ').table


def write(ytvos: YTVOS, ids: set, stem: str) -> None:
    """One side: ``stem``.json and the names of its videos in ``stem``.txt."""
    write_json(part(ytvos.dataset, ids), f'{stem}.json')
    names = names_of(ytvos, [vid for vid in ytvos.vids if vid in ids])
    write_bytes(''.join(f'{name}\n' for name in names).encode(), f'{stem}.txt')
    print(f'written: {stem}.json and {stem}.txt ({len(ids)} videos)')


def main() -> None:
    args = parse_args()
    ytvos = YTVOS(args.annotations)
    val = split_videos(ytvos, args.val_ratio, args.seed)
    print(table(ytvos, val))
    path = pathlib.Path(args.annotations)
    stem = pathlib.Path(args.out or path.parent) / path.stem
    write(ytvos, set(ytvos.vids) - val, f'{stem}_train')
    write(ytvos, val, f'{stem}_val')


if __name__ == '__main__':
    run_tool(main)
