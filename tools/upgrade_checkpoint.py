#!/usr/bin/env python3
"""A checkpoint of mmdetection 1, 2 or 3, mmtracking or torchvision as one of this code.

    python tools/upgrade_checkpoint.py THEIRS.pth OURS.pth
    python tools/upgrade_checkpoint.py THEIRS.pth OURS.pth --config CONFIG

Tells which code wrote the file, what was renamed, reordered and left out, and what differs by
convention; with a config also how the weights fit its model. Weights only: the state of an
optimiser does not carry over. Training and testing take such files directly, too.
"""
import argparse
import logging
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)
from mmdet.utils.errors import BadValue  # noqa: E402


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('in_file', help='their checkpoint')
    add('out_file', help='ours')
    add('--config', help='config of the model that will take the weights; it is Python and will '
        'be run')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={}, metavar='KEY=VALUE',
        help='change the config')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Convert, report, write."""
    args = parse_args(argv)
    from mmdet.checkpoint import read_checkpoint, save_checkpoint
    from mmdet.checkpoint.upgrade import upgrade
    if os.path.realpath(args.in_file) == os.path.realpath(args.out_file):
        raise BadValue(f'{args.out_file}: is the file to convert; give another name')
    done = upgrade(read_checkpoint(args.in_file), args.in_file)
    print(done.summary())
    save_checkpoint(done.checkpoint, args.out_file)
    print(f'written: {args.out_file}')
    if args.config:
        print(fit(args))


def fit(args: argparse.Namespace) -> str:
    """How the written weights fit the model of the config, a line for all that does not."""
    from mmdet.checkpoint import load_checkpoint
    from mmdet.models import build_detector
    cfg = load_config(args.config, args.cfg_options)
    cfg.model.pretrained = None
    model = build_detector(cfg.model, test_cfg=cfg.get('test_cfg'))
    report = load_checkpoint(model, args.out_file, logger=logging.getLogger(__name__),
                             allow_partial=True)
    wrong = report.skipped(expected=False) + report.skipped(expected=True)
    return '\n'.join([f'{args.config}: {len(report.loaded)} tensors fit', *wrong])


if __name__ == '__main__':
    run_tool(main)
