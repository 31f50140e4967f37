#!/usr/bin/env python
"""Compare settings of tracking, and result files, over several trainings. No network runs.

    python tools/test_video.py CONFIG SEED0.pth --out s0.pkl --save-detections s0.det  # and so on
    python tools/analysis/study_tracking.py --config CONFIG --detections s0.det s1.det s2.det \\
        --results "with EMA=e0.pkl.json,e1.pkl.json,e2.pkl.json" \\
        --keep study --out study.md --json study.json

The rows are: tracking as in 2019; each option alone; cue weights that were searched for; the best
combination found; true ids, the ceiling; then result files. What was chosen is held out: each fold
of the videos is tracked with what is best on the others. Every row has its mean over the seeds and
its difference to the first one, seed by seed, each with a t interval. A study that was stopped goes
on with the same --keep.
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
    add('--config', nargs='+', required=True, metavar='CONFIG',
        help='config file, one for all seeds or one each; it is Python and will be run')
    add('--detections', nargs='+', default=[], metavar='FILE',
        help='what test_video.py --save-detections wrote, a file per seed')
    add('--ann', nargs='+', default=[], metavar='ANN.json',
        help='annotations, one file for all seeds or one each (default: data.test.ann_file)')
    add('--results', nargs='+', default=[], metavar='NAME=X.json,Y.json',
        help='more rows: result files, one per seed in the same order')
    add('--set', nargs='+', action='append', default=[], metavar=('NAME', 'KEY=VALUE'),
        help='one more option that is tried alone and in combinations; may be repeated')
    add('--trials', type=int, default=40, metavar='N', help='random cue weights')
    add('--folds', type=int, default=2, metavar='N', help='parts of the videos')
    add('--seed', type=int, default=0, help='of the cue weights and the folds')
    add('--objective', default='ap', choices=['ap', 'hota', 'idf1'],
        help='what is compared; hota and idf1 need trackeval')
    add('--keep', metavar='FOLDER', help='keep the trials there')
    add('--out', metavar='TABLE.md', help='write the table as markdown')
    add('--json', metavar='OUT.json', help='write every number')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='override the config')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = vars(parse_args(argv))
    from mmdet.apis.study import StudyOptions, run
    run(StudyOptions(**args))


if __name__ == '__main__':
    run_tool(main)
