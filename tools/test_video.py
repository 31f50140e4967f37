"""Test a detector: every video of data.test to X.pkl and X.pkl.json, then score.

    python tools/test_video.py CONFIG CHECKPOINT --out X.pkl --eval segm

Writes X.pkl (what was found in every frame) and X.pkl.json (one record a track), prints scores
where there are annotations. --out X.jsonl writes what was found as json lines, which need no
pickle to be read. Options may be spelt with - or _.
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
    add('--out', required=True, metavar='X.pkl',
        help='where results go, as .pkl or .jsonl; the json is X.pkl.json')
    add('--eval', nargs='+', default=[], choices=['segm', 'bbox'],
        help='score masks, boxes around them, or both')
    add('--resume', action='store_true',
        help='go on with a test that was stopped: finished videos are in X.pkl.partial.N')
    add('--load_result', action='store_true',
        help='read X.pkl instead of testing')
    add('--show', action='store_true', help='draw the results over the frames')
    add('--save_path', metavar='FOLDER',
        help='where drawings go (implies --show); default: X_show')
    add('--show_format', default='mp4', choices=['mp4', 'png'],
        help='one mp4 a video, or one folder of frames')
    add('--codec', default='auto', choices=['auto', 'h264', 'vp9', 'mpeg4'],
        help='of the mp4; auto: the first of them that works here')
    add('--score-thr', '--show_score_thr', dest='show_score_thr', type=float, default=0.3,
        metavar='S', help='draw objects from this score on; the json keeps all')
    add('--format-only', action='store_true',
        help='write results.json and its zip for a server, next to X.pkl')
    add('--gpus', type=int, default=1, help='GPUs to share the videos between; processes on a CPU')
    add('--proc_per_gpu', type=int, default=1, help='processes on each GPU')
    add('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    add('--launcher', default='none', choices=['none', 'pytorch', 'slurm', 'mpi'],
        help='what started the processes')
    add('--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    add('--workers', type=int, metavar='N',
        help='threads that load frames (default: as the machine allows)')
    add('--allow-partial', action='store_true', help='accept weights of which only a part fits')
    add('--amp', action='store_true', default=None,
        help='half precision: bfloat16 on CPUs that have it, float16 on GPUs')
    add('--compile', action='store_true', default=None,
        help='let Inductor compile the network: faster after a minute or so')
    add('--save-detections', metavar='FILE',
        help='keep all that the tracker saw, for tools/analysis/replay.py')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='override the config, e.g. data.test.ann_file=my.json')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Look for mistakes, then test here or in several processes."""
    args = vars(parse_args(argv))
    from mmdet.apis.test import TestOptions, launch
    os.environ.setdefault('LOCAL_RANK', str(args.pop('local_rank')))
    return launch(TestOptions(**args))


if __name__ == '__main__':
    run_tool(main)
