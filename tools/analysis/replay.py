#!/usr/bin/env python
"""Track again over detections that test_video.py kept: other settings in seconds, no network.

    python tools/test_video.py CONFIG CHECKPOINT --out X.pkl --save-detections X.det
    python tools/analysis/replay.py X.det CONFIG --out Y.pkl --eval segm \\
        --cfg-options test_cfg.track.max_age=10 model.track_head.match_coeff=1,3,5

Y.pkl.json is what test_video.py would have written with the same options, byte for byte.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('detections', metavar='FILE',
        help='what test_video.py --save-detections wrote; FILE.part0 if it was stopped')
    add('config', help='config file; it is Python and will be run')
    add('--out', required=True, metavar='X.pkl', help='where results go; the json is X.pkl.json')
    add('--eval', nargs='+', default=[], choices=['segm', 'bbox'],
        help='score masks, boxes around them, or both')
    add('--show', action='store_true', help='draw the results over the frames')
    add('--save_path', metavar='FOLDER',
        help='where drawings go (implies --show); default: X_show')
    add('--format-only', action='store_true',
        help='write results.json and its zip for a server, next to X.pkl')
    add('--allow-partial', action='store_true',
        help='accept a test that was stopped; videos it did not get to are taken for empty')
    add('--score-thr', '--show_score_thr', dest='show_score_thr', type=float, default=0.3,
        metavar='S', help='draw objects from this score on; the json keeps all')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='override the config, e.g. test_cfg.track.max_age=10')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = vars(parse_args(argv))
    from mmdet.apis.replay import ReplayOptions, run
    run(ReplayOptions(**args))


if __name__ == '__main__':
    run_tool(main)
