"""Train a detector from a config file.

    python tools/train.py configs/masktrack_rcnn_r50_fpn_1x_youtubevos.py
    python tools/train.py CONFIG --validate --work_dir runs/a --seed 0
    python tools/train.py CONFIG --auto-resume            # go on where it stopped
    python tools/train.py CONFIG --gpus 4                 # four processes, DDP
    bash tools/dist_train.sh CONFIG 8 --validate

Everything lands in the work folder: TIME.log, TIME.log.json, the config as
used, epoch_N.pth, latest.pth, best.pth (with --validate) and curves.png.
Exit status: 0 done, 1 an error (one sentence says which), 128 + n stopped by
signal n after saving.
"""
import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)
from mmdet.utils.errors import sentence  # noqa: E402
from mmdet.utils.logger import get_root_logger  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file')
    add('--work_dir', metavar='DIR',
        help='where logs and checkpoints go (default: work_dir of the config)')
    add('--resume_from', metavar='FILE', help='go on from this checkpoint')
    add('--auto-resume', action='store_true',
        help='go on from the furthest whole checkpoint of the work folder, if any')
    add('--overwrite', action='store_true',
        help='remove the checkpoints of an earlier run from the work folder')
    add('--load_from', metavar='WEIGHTS',
        help='start from weights: a path, a URL, torchvision://NAME or none')
    add('--allow-partial', action='store_true', help='accept weights of which only a part fits')
    add('--validate', action='store_true', help='score data.val during training')
    add('--gpus', type=int, default=1, metavar='N',
        help='processes on this machine (GPUs, or CPU processes without one)')
    add('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    add('--seed', type=int, help='seed of everything random')
    add('--deterministic', action='store_true', help='same bits on every run, slower on GPUs')
    add('--amp', action='store_true', help='mixed precision (float16 on GPUs, bfloat16 on CPUs)')
    add('--auto-scale-lr', action='store_true',
        help='scale the learning rate by pairs a step / 32')
    add('--cfg-options', '--options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE',
        help='change the config, e.g. data.imgs_per_gpu=2 optimizer.lr=0.001')
    add('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
        help='who started the processes')
    add('--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Train here or in several processes; returns the exit status."""
    args = vars(parse_args())
    import torch.distributed as dist

    from mmdet.apis import TrainingInterrupted
    from mmdet.apis.train import TrainOptions, run
    from mmdet.engine.launch import run_copies
    from mmdet.engine.sharding import check_gpus
    os.environ.setdefault('LOCAL_RANK', str(args.pop('local_rank')))
    options = TrainOptions(**args)
    try:
        if check_gpus(options.gpus, 1, options.device) > 1 and options.launcher == 'none':
            return run_copies([sys.executable, *sys.argv, '--launcher', 'pytorch'], options.gpus)
        run(options)
    except TrainingInterrupted as stop:
        get_root_logger().warning(sentence(stop))
        return 128 + stop.signum
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    return 0


def log_error(text: str) -> None:
    """A mistake belongs in the log file too."""
    get_root_logger().error(text)


if __name__ == '__main__':
    run_tool(main, log_error)
