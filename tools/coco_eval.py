"""Score results in COCO format; no config, model or GPU.

    python tools/coco_eval.py X.pkl.json --ann ANN.json --types segm
    python tools/coco_eval.py proposals.pkl --ann ANN.json --types proposal_fast

Options may be spelt with - or _.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.evaluation import coco_eval  # noqa: E402
from mmdet.evaluation.coco import TYPES  # noqa: E402
from mmdet.evaluation.recall import PROPOSAL_NUMS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('result', help='json of COCO records; for proposal_fast also the X.pkl of proposals')
    add('--ann', required=True, metavar='ANN.json', help='annotations in COCO format')
    add('--types', nargs='+', default=['bbox'], choices=TYPES, help='what is scored')
    add('--max-dets', type=int, nargs='+', default=list(PROPOSAL_NUMS), metavar='N',
        help='numbers of proposals that recall is measured at')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Score and print."""
    args = parse_args(argv)
    coco_eval(args.result, args.types, args.ann, args.max_dets)


if __name__ == '__main__':
    run_tool(main)
