"""Test a detector on images: data.test to X.pkl and X.pkl.json, then score.

    python tools/test.py CONFIG CHECKPOINT --out X.pkl --eval bbox segm
    python tools/test.py CONFIG CHECKPOINT --show --save_path pictures
    python tools/test.py CONFIG RPN.pth --out proposals.pkl --eval proposal_fast

Writes X.pkl (what was found in every image: boxes by class, with masks a pair of both, proposals
of an RPN, which a config can name as proposal_file) and X.pkl.json (COCO records; with masks the
boxes go to X.pkl.bbox.json; with the stages of a cascade X.pkl.STAGE.json each). Data sets in COCO
format are scored as COCO does, others (Pascal VOC, lists of images) by the mean AP of VOC.
For videos there is tools/test_video.py. Options may be spelt with - or _.
"""
import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file; it is Python and will be run')
    add('checkpoint', nargs='?', help='path or URL of the weights; not needed with --load_result')
    add('--out', metavar='X.pkl', help='where results go; the json is X.pkl.json')
    add('--eval', nargs='+', default=[], choices=['bbox', 'segm', 'proposal', 'proposal_fast'],
        help='score boxes, masks, or the recall of boxes whatever their class')
    add('--load_result', action='store_true', help='read X.pkl instead of testing')
    add('--show', action='store_true', help='draw the results over the images')
    add('--save_path', metavar='FOLDER',
        help='where drawings go (implies --show); default: X_show')
    add('--show_format', default='jpg', choices=['jpg', 'png'], help='of the drawings')
    add('--score-thr', '--show_score_thr', dest='show_score_thr', type=float, default=0.3,
        metavar='S', help='draw objects from this score on; the json keeps all')
    add('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    add('--gpus', type=int, default=1, help='GPUs to share the images between; processes on a CPU')
    add('--proc_per_gpu', type=int, default=1, help='processes on each GPU')
    add('--launcher', default='none', choices=['none', 'pytorch', 'slurm', 'mpi'],
        help='what started the processes')
    add('--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    add('--tmpdir', help=argparse.SUPPRESS)  # of 2019: results travel without files
    add('--workers', type=int, metavar='N',
        help='threads that load images (default: as the machine allows)')
    add('--allow-partial', action='store_true', help='accept weights of which only a part fits')
    add('--amp', action='store_true', default=None,
        help='half precision: bfloat16 on CPUs that have it, float16 on GPUs')
    add('--compile', action='store_true', default=None,
        help='let Inductor compile the network: faster after a minute or so')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='override the config, e.g. data.test.ann_file=my.json')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Look for mistakes, then test here or in several processes."""
    args = vars(parse_args(argv))
    from mmdet.apis.test import TestOptions, launch
    os.environ.setdefault('LOCAL_RANK', str(args.pop('local_rank')))
    args.pop('tmpdir')
    return launch(TestOptions(**args))


if __name__ == '__main__':
    run_tool(main)
