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
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import mmdet  # noqa: E402,F401  before torch: sets how its threads wait

import torch.distributed as dist  # noqa: E402
from mmengine.config import Config, DictAction  # noqa: E402

from mmdet.apis import (NonFiniteLoss, TrainingInterrupted, get_root_logger,  # noqa: E402
                        init_dist, set_random_seed, train_detector)
from mmdet.engine.launch import run_copies  # noqa: E402
from mmdet.engine.run_checkpoints import find_latest  # noqa: E402
from mmdet.engine.sharding import check_gpus  # noqa: E402
from mmdet.apis.train import choose_seed  # noqa: E402
from mmdet.datasets import build_dataset  # noqa: E402
from mmdet.models import build_detector  # noqa: E402
from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import sentence  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file')
    add('--work_dir', metavar='DIR',
        help='where logs and checkpoints go (default: work_dir of the config)')
    add('--resume_from', metavar='FILE', help='go on from this checkpoint')
    add('--auto-resume', action='store_true',
        help='go on from the newest whole checkpoint of the work folder, if any')
    add('--load_from', metavar='WEIGHTS',
        help='start from weights: a path, a URL, torchvision://NAME or none')
    add('--allow-partial', action='store_true', help='accept weights of which only a part fits')
    add('--validate', action='store_true', help='score data.val during training')
    add('--gpus', type=int, default=1, metavar='N',
        help='processes on this machine (GPUs, or CPU processes without one)')
    add('--seed', type=int, help='seed of everything random')
    add('--deterministic', action='store_true', help='same bits on every run, slower on GPUs')
    add('--amp', action='store_true', help='mixed precision (float16 on GPUs, bfloat16 on CPUs)')
    add('--auto-scale-lr', action='store_true',
        help='scale the learning rate by pairs a step / 32')
    add('--cfg-options', '--options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='change the config, e.g. data.imgs_per_gpu=2 optimizer.lr=0.001')
    add('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
        help='who started the processes')
    add('--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_config(args: argparse.Namespace) -> Config:
    """The config file with the flags written into it."""
    cfg = load_config(args.config, args.cfg_options)
    name = os.path.splitext(os.path.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    for key in ('seed', 'resume_from', 'load_from'):
        if getattr(args, key) is not None:
            cfg[key] = getattr(args, key)
    if str(cfg.get('load_from')).lower() == 'none':
        cfg.load_from = None
    if args.amp and not cfg.get('fp16'):
        cfg.fp16 = dict(loss_scale='dynamic')
    if args.auto_scale_lr:
        cfg.auto_scale_lr = dict(enable=True, **{
            key: value for key, value in (cfg.get('auto_scale_lr') or {}).items()
            if key != 'enable'})
    cfg.deterministic = args.deterministic or cfg.get('deterministic', False)
    cfg.allow_partial = args.allow_partial or cfg.get('allow_partial', False)
    return cfg


def train(args: argparse.Namespace) -> None:
    """From the flags to a trained detector in the work folder."""
    cfg = make_config(args)
    if args.launcher != 'none':
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
        init_dist(args.launcher, **cfg.get('dist_params', {}))
    logger = get_root_logger(log_level=cfg.get('log_level', 'INFO'))
    if args.auto_resume:
        cfg.resume_from = find_latest(cfg.work_dir, logger) or cfg.get('resume_from')
    cfg.seed = choose_seed(cfg)
    set_random_seed(cfg.seed, cfg.deterministic)
    dataset = build_dataset(cfg.data.train)
    model_cfg = dict(cfg.model)
    if cfg.get('resume_from') or (cfg.get('load_from') and not cfg.allow_partial):
        model_cfg['pretrained'] = None  # the checkpoint holds the backbone too
    model = build_detector(model_cfg, train_cfg=cfg.get('train_cfg'), test_cfg=cfg.get('test_cfg'))
    train_detector(model, dataset, cfg, distributed=args.launcher != 'none',
                   validate=args.validate)


def main() -> int:
    """Train here or in several processes; returns the exit status."""
    args = parse_args()
    try:
        if check_gpus(args.gpus, 1) > 1 and args.launcher == 'none':
            return run_copies([sys.executable, *sys.argv, '--launcher', 'pytorch'], args.gpus)
        train(args)
    except TrainingInterrupted as stop:
        get_root_logger().warning(sentence(stop))
        return 128 + stop.signum
    except NonFiniteLoss as error:
        log_error(sentence(error))
        return 1
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    return 0


def log_error(text: str) -> None:
    """A mistake belongs in the log file too."""
    get_root_logger().error(text)


if __name__ == '__main__':
    run_tool(main, log_error)
