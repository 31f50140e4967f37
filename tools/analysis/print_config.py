"""Print a config as the tools read it: _base_ files merged, options applied.

    python tools/analysis/print_config.py CONFIG
    python tools/analysis/print_config.py CONFIG --cfg-options optimizer.lr=0.01 > mine.py

What is printed is a config file itself. Options may be spelt with - or _.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))


from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file; it is Python and will be run')
    add('--cfg-options', '--options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='change the config, e.g. data.imgs_per_gpu=2')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Read and print."""
    args = parse_args(argv)
    print(load_config(args.config, args.cfg_options).pretty_text.rstrip())


if __name__ == '__main__':
    run_tool(main)
