"""Curves and times from the json logs of training.

    python tools/analysis/analyze_logs.py plot_curve RUN --keys loss_cls loss_mask --out curves.png
    python tools/analysis/analyze_logs.py plot_curve RUN_A RUN_B --keys segm_AP --legend a b
    python tools/analysis/analyze_logs.py cal_train_time RUN

RUN is a *.log.json file or a work folder (a resumed run's logs are joined).
"""
import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from mmdet.utils import nearest  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadKey, BadValue  # noqa: E402
from mmdet.visualization.curves import Record, curve, read_run  # noqa: E402
from mmdet.visualization.figures import write_figure  # noqa: E402


def plot_curve(args: argparse.Namespace) -> None:
    """Draw keys of runs over epochs."""
    figure = Figure(figsize=(8, 5), layout='constrained')
    axes = figure.subplots()
    labels = iter(args.legend or [])
    for path in args.runs:
        records = read_run(path)
        known = {key for r in records for key, v in r.items() if isinstance(v, (int, float))}
        for key in args.keys:
            if key not in known:
                raise BadKey(f'{path}: no key "{key}"{nearest(key, known)}')
            name = f'{os.path.basename(os.path.normpath(path))} ' if len(args.runs) > 1 else ''
            axes.plot(*curve(records, key), label=next(labels, f'{name}{key}'),
                      marker='o' if any(key in r and r['mode'] == 'val' for r in records) else None)
    axes.set(xlabel='epoch', title=args.title, yscale='log' if args.log else 'linear')
    axes.legend()
    axes.grid(alpha=.3)
    write_figure(figure, args.out, dpi=120)
    print(args.out)


def cal_train_time(args: argparse.Namespace) -> None:
    """Print seconds a step of every epoch."""
    for path in args.runs:
        epochs: dict[int, list[Record]] = {}
        for r in read_run(path):
            if r['mode'] == 'train':
                epochs.setdefault(r['epoch'], []).append(r)
        if not epochs:
            raise BadValue(f'{path}: has no training steps')
        if not args.include_outliers:  # the first line of an epoch holds the start of the workers
            epochs = {e: rows[1:] or rows for e, rows in epochs.items()}
        means = {e: float(np.mean([r['time'] for r in rows])) for e, rows in epochs.items()}
        waits = sum(r['data_time'] for rows in epochs.values() for r in rows) / sum(
            r['time'] for rows in epochs.values() for r in rows)
        slow, fast = max(means, key=means.get), min(means, key=means.get)
        print(f'{path}: {np.mean(list(means.values())):.4f} s a step over {len(means)} epochs '
              f'(deviation {np.std(list(means.values())):.4f}); slowest epoch {slow}: '
              f'{means[slow]:.4f}, fastest epoch {fast}: {means[fast]:.4f}; {waits:.1%} of the '
              'time waiting for data')


def parse_args() -> argparse.Namespace:
    """The command line, a task each with its options."""
    parser = ToolParser(__doc__)
    tasks = parser.add_subparsers(dest='task', required=True)
    plot = tasks.add_parser('plot_curve', help='draw keys over epochs')
    plot.add_argument('runs', nargs='+', metavar='RUN', help='json logs or work folders')
    plot.add_argument('--keys', nargs='+', default=['loss'], help='e.g. loss lr segm_AP')
    plot.add_argument('--legend', nargs='+', help='one name a curve, run by run')
    plot.add_argument('--title', default='')
    plot.add_argument('--log', action='store_true', help='logarithmic y axis')
    plot.add_argument('--out', default='curves.png', help='picture to write (png, pdf, svg)')
    plot.set_defaults(run=plot_curve)
    times = tasks.add_parser('cal_train_time', help='seconds a step')
    times.add_argument('runs', nargs='+', metavar='RUN', help='json logs or work folders')
    times.add_argument('--include-outliers', action='store_true',
                       help='count the first line of every epoch too')
    times.set_defaults(run=cal_train_time)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    args.run(args)


if __name__ == '__main__':
    run_tool(main)
