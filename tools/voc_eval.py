"""Score X.pkl of tools/test.py by the mean AP of Pascal VOC.

    python tools/voc_eval.py X.pkl CONFIG
    python tools/voc_eval.py X.pkl CONFIG --iou-thr 0.5,0.75

The data set is data.test of the config, of any format. Where its img_prefix is that of VOC 2007
the AP is the mean of 11 points, elsewhere the area under the curve. Difficult objects, and crowds
of COCO, need not be found. Options may be spelt with - or _.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))


from mmdet.evaluation.voc import voc_eval  # noqa: E402
from mmdet.formats.result_files import load_results  # noqa: E402
from mmdet.formats.results import by_stage  # noqa: E402
from mmdet.utils import get_root_logger, load_config  # noqa: E402
from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)
from mmdet.utils.errors import BadValue  # noqa: E402


def thresholds(text: str) -> list[float]:
    """``'0.5,0.75'`` as numbers in (0, 1]."""
    try:
        values = [float(value) for value in text.split(',')]
    except ValueError:
        values = [0.]
    if not all(0 < value <= 1 for value in values):
        raise argparse.ArgumentTypeError(
            f'expected numbers above 0 and up to 1 such as 0.5,0.75, got {text}')
    return values


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('result', metavar='X.pkl', help='what tools/test.py --out wrote')
    add('config', help='config file; it is Python and will be run')
    add('--iou-thr', type=thresholds, default='0.5', metavar='IOU[,IOU...]',
        help='least overlap of a found object, a table each')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='override the config, e.g. data.test.ann_file=my.txt')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Score and print, every stage of a cascade for itself."""
    args = parse_args(argv)
    from mmdet.datasets import build_dataset
    from mmdet.engine.checks import check_single
    cfg = load_config(args.config, args.cfg_options)
    dataset = build_dataset({**cfg.data.test, 'test_mode': True})
    check_single(dataset)
    if dataset.is_video:
        raise BadValue(f'{args.config}: data.test is of videos; score them with '
                       'tools/eval_video.py')
    results = load_results(args.result)
    logger = get_root_logger()
    for stage, part in by_stage(results).items():
        if stage:
            logger.info(stage)
        voc_eval(part, dataset, args.iou_thr)


if __name__ == '__main__':
    run_tool(main)
