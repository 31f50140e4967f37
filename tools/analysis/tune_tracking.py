#!/usr/bin/env python
"""Search the settings of tracking over detections that test_video.py kept. No network runs.

    python tools/test_video.py CONFIG CHECKPOINT --out X.pkl --save-detections X.det
    python tools/analysis/tune_tracking.py X.det CONFIG --out trials.jsonl --plot trials.png

Every trial tracks all videos again and scores them. What is reported is held out: the videos are
split into folds, and each fold is tracked with the settings that are best on the others. The
annotations are those of data.test in the config. A search that was stopped goes on with the same
--out.
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
    add('detections', metavar='FILE', help='what test_video.py --save-detections wrote')
    add('config', help='config file; it is Python and will be run')
    add('--space', nargs='+', metavar='KEY=VALUES', default=argparse.SUPPRESS,
        help='what is varied, as KEY=A,B,C or KEY=LOW:HIGH; a number in KEY is a place in a list '
        '(default: match_coeff, bbox_dummy_iou, and all of test_cfg.track)')
    add('--objective', default='ap', choices=['ap', 'hota', 'idf1'],
        help='what is searched for; hota and idf1 (of all detections, as eval_video.py prints '
        'them) need trackeval')
    add('--trials', type=int, default=200, metavar='N',
        help='how many settings; with tpe so many for each fold and for all videos')
    add('--sampler', default='random', choices=['random', 'grid', 'tpe'],
        help='how they are chosen; tpe learns from the scores so far, and needs optuna')
    add('--steps', type=int, default=4, metavar='N', help='of a grid, from LOW to HIGH')
    add('--seed', type=int, default=0, help='of the settings, the folds and the samples')
    add('--folds', type=int, default=2, metavar='N', help='parts of the videos')
    add('--samples', type=int, default=1000, metavar='N',
        help='samples of the videos for the intervals, 0: none')
    add('--out', metavar='TRIALS.jsonl', help='keep the trials there')
    add('--plot', metavar='OUT.png', help='draw the score over every setting')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='override the config, e.g. data.test.ann_file=my.json')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = vars(parse_args(argv))
    from mmdet.apis.tune import TuneOptions, run
    run(TuneOptions(**args))


if __name__ == '__main__':
    run_tool(main)
