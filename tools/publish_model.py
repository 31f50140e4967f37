#!/usr/bin/env python3
"""A checkpoint of a run as a file to publish: weights only, their hash in the name.

    python tools/publish_model.py work_dirs/x/epoch_12.pth masktrack_r50.pth

writes masktrack_r50-1a2b3c4d.pth: without the optimiser and the config, which names folders; the
averaged weights of a run with "ema". torch.hub checks the hash when it downloads such a file.
"""
import argparse
import hashlib
import io
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.utils import atomic_write  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402  (no torch yet)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('in_file', help='checkpoint of a run')
    add('out_file', help='what to call it; the hash comes before .pth')
    return parser.parse_args(argv)


def publish(in_file: str, out_file: str) -> str:
    """Write the weights of ``in_file``; returns the path with the first 8 digits of its SHA-256."""
    import torch

    from mmdet.checkpoint import read_checkpoint
    from mmdet.checkpoint.upgrade import weights_only
    checkpoint = weights_only(read_checkpoint(in_file), in_file)
    content = io.BytesIO()
    torch.save(checkpoint, content)
    digest = hashlib.sha256(content.getbuffer()).hexdigest()[:8]
    path = f'{out_file.removesuffix(".pth")}-{digest}.pth'
    with atomic_write(path) as file:
        file.write(content.getbuffer())
    return path


def main(argv: list[str] | None = None) -> None:
    """Publish, and say how large it was and is."""
    args = parse_args(argv)
    path = publish(args.in_file, args.out_file)
    before, after = (os.path.getsize(os.path.expanduser(p)) / 1e6 for p in (args.in_file, path))
    print(f'{path}: {after:.1f} MB, {args.in_file} has {before:.1f} MB')


if __name__ == '__main__':
    run_tool(main)
