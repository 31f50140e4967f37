#!/usr/bin/env python3
"""Cut a validation set off an annotation file, by video and stratified by category.

    python tools/convert_datasets/split_videos.py data/youtube_vis_2019/train.json

writes train_train.json, train_val.json and the lists of their videos beside it. Every category
seen in two videos or more is on both sides; the same seed gives the same split. With --by-time
every video is cut in two instead: for a single video, or to see whether training works at all.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from terminaltables import AsciiTable  # noqa: E402

from mmdet.curation.split import (  # noqa: E402
    names_of,
    part,
    shown_categories,
    split_time,
    split_videos,
)
from mmdet.formats.json_files import write_json  # noqa: E402
from mmdet.formats.ytvos import YTVOS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.fileio import write_bytes  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('annotations', help='annotation json')
    add('--val-ratio', type=float, default=0.15,
        help='share of the videos (with --by-time: of the frames) for validation')
    add('--by-time', action='store_true',
        help='the first frames of every video for training, the last ones for validation')
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


def write(side: dict, ytvos: YTVOS, stem: str) -> None:
    """One side: ``stem``.json and the names of its videos in ``stem``.txt."""
    write_json(side, f'{stem}.json')
    names = names_of(ytvos, [video['id'] for video in side['videos']])
    write_bytes(''.join(f'{name}\n' for name in names).encode(), f'{stem}.txt')
    frames = sum(len(video['file_names']) for video in side['videos'])
    print(f'written: {stem}.json and {stem}.txt ({len(names)} videos, {frames} frames, '
          f'{len(side["annotations"])} objects)')


def main() -> None:
    """Split by video, or every video by time; write both sides."""
    args = parse_args()
    ytvos = YTVOS(args.annotations)
    if args.by_time:
        train, val = split_time(ytvos.dataset, args.val_ratio)
        print('note: the same objects are on both sides: scores will say how well they are '
              'followed, not how well others would be')
    else:
        ids = split_videos(ytvos, args.val_ratio, args.seed)
        print(table(ytvos, ids))
        train, val = part(ytvos.dataset, set(ytvos.vids) - ids), part(ytvos.dataset, ids)
    path = pathlib.Path(args.annotations)
    stem = pathlib.Path(args.out or path.parent) / path.stem
    write(train, ytvos, f'{stem}_train')
    write(val, ytvos, f'{stem}_val')


if __name__ == '__main__':
    run_tool(main)
