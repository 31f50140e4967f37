"""Look at what training sees: augmented items with boxes, ids and masks, as pictures.

    python tools/analysis/browse_dataset.py CONFIG --out browse
    python tools/analysis/browse_dataset.py CONFIG --indices 3 17 --epoch 4 --seed 0

An item of a video is drawn beside its reference frame; an object has one colour and number in
both, and an arrow leads to where it is in the reference. "new" is not there. Grey are ignored
boxes and, with a proposal_file, proposals. The same seed, epoch and index give what a training
with that seed sees. Options may be spelt with - or _.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.formats.pictures import write_picture  # noqa: E402
from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)
from mmdet.utils.errors import BadValue  # noqa: E402
from mmdet.visualization.strip import spread  # noqa: E402
from mmdet.visualization.training_item import draw_item  # noqa: E402


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file; it is Python and will be run')
    add('--out', default='browse', metavar='DIR', help='where pictures go')
    add('--split', default='train', choices=['train', 'val', 'test'], help='which data set')
    add('--count', type=int, default=20, metavar='N', help='items, evenly chosen')
    add('--indices', type=int, nargs='+', metavar='I', help='these items instead')
    add('--epoch', type=int, default=0, metavar='E', help='counted from 0')
    add('--seed', type=int, metavar='S', help='default: that of the config, or 0')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='change the config, e.g. data.train.flip_ratio=1')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Draw the items."""
    args = parse_args(argv)
    from torch import Tensor

    from mmdet.datasets import build_dataset
    cfg = load_config(args.config, args.cfg_options)
    dataset = build_dataset(cfg.data[args.split])
    seed = cfg.get('seed') if args.seed is None else args.seed
    dataset.seed = seed or 0
    if args.count < 1:
        raise BadValue(f'--count {args.count}: expected 1 or more')
    for index in args.indices or spread(range(len(dataset)), args.count):
        if not 0 <= index < len(dataset):
            raise BadValue(f'--indices {index}: data.{args.split} has {len(dataset)} items, '
                           f'0 to {len(dataset) - 1}')
        item = {key: value.numpy() if isinstance(value, Tensor) else value
                for key, value in dataset[args.epoch, index].items()}
        path = pathlib.Path(args.out) / f'{args.split}_{args.epoch}_{index:06d}.jpg'
        write_picture(draw_item(item, dataset.CLASSES), path)
        print(f'{path}: {item["img_meta"]["filename"]}')


if __name__ == '__main__':
    run_tool(main)
