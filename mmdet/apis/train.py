"""Training a detector from a classic config."""
import copy
import logging
import os
import time
import uuid
from typing import Any, Optional, Sequence, Union

import torch
from mmengine.config import Config
from mmengine.hooks import EMAHook, Hook
from mmengine.visualization import Visualizer
from torch import nn

from mmdet.datasets import build_dataloader, build_dataset
from mmdet.checkpoint import read_checkpoint
from mmdet.utils import check_keys

from . import classic
from .checkpoint_hook import CheckpointHook
from .checks import check_classes, check_frame_sizes, check_frames, files_of
from .env import (get_root_logger, rank_and_world, same_everywhere, set_threads,
                  this_device)
from .hooks import LogHook, LrHook, PendingValidationHook, StopHook
from .loops import EvalLoop, TrainLoop
from .runner import TrainRunner
from .schedule import Schedule
from .test import evaluate_detector, has_annotations

_EMA = ('ema_type', 'strict_load', 'begin_iter', 'begin_epoch', 'momentum', 'gamma', 'interval', 'update_buffers')
_OFF = dict.fromkeys(('runtime_info', 'timer', 'sampler_seed', 'logger',
                      'param_scheduler', 'checkpoint'))


def train_detector(model: nn.Module,
                   dataset: Union[Any, Sequence[Any]],
                   cfg: Config,
                   distributed: bool = False,
                   validate: bool = False,
                   logger: Optional[logging.Logger] = None) -> nn.Module:
    """Train as the config says; ``cfg.work_dir`` gets everything.

    Text log ``TIME.log``, json log ``TIME.log.json``, the config as used,
    ``epoch_N.pth``, ``latest.pth``, ``best.pth`` with ``validate``, and at the
    end ``curves.png``.

    Args:
        model: the detector; it is moved to the device.
        dataset: the training set, or a list holding it as in 2019.
        cfg: a classic config.
        distributed: the process group is up; use DDP.
        validate: score ``cfg.data.val`` at the end of every
            ``evaluation.interval`` epochs.
        logger: instead of the root logger.

    Returns:
        The trained model (its DDP wrapper if distributed).

    Raises:
        TrainingInterrupted: a signal came; a checkpoint was saved.
        NonFiniteLoss: a loss became NaN or infinite.
        ValueError, KeyError, TypeError: something in the config.
        FileNotFoundError, ValueError: frames are missing or of another size.
    """
    classic.workflow(cfg)
    classic.check_numbers(cfg)
    if isinstance(dataset, (list, tuple)):
        dataset, = dataset
    check_classes(model, dataset)
    for part in files_of(dataset):
        check_frames(part)
        check_frame_sizes(part)
    stamp = same_everywhere(time.strftime('%Y%m%d_%H%M%S'))
    log_file = os.path.join(cfg.work_dir, f'{stamp}.log')
    logger = logger or get_root_logger(log_file, cfg.get('log_level', 'INFO'))
    val_set = _validation_set(cfg) if validate else None
    runner = _build_runner(model, dataset, cfg, distributed, logger,
                           f'{log_file}.json', choose_seed(cfg))
    if val_set is not None:
        runner._val_loop = EvalLoop(runner, val_set, evaluate_detector)
    _say_what_runs(runner, cfg, dataset)
    return runner.train()


def choose_seed(cfg: Config) -> int:
    """The seed of a run: the config's, that of the run it resumes, or a random one.

    Choose it before the model is built, which it initialises.

    Returns:
        the same on every rank.

    Raises:
        ValueError: it is no whole number from 0 up.
        FileNotFoundError, ValueError: the checkpoint to resume cannot be read.
    """
    seed, path = cfg.get('seed'), cfg.get('resume_from')
    if path and '://' not in path and not os.path.isfile(os.path.expanduser(path)):
        raise FileNotFoundError(f'{path}: no such checkpoint to resume; check --resume_from, or '
                                'let --auto-resume find the newest of the work folder')
    if seed is None and path:
        seed = (read_checkpoint(path).get('meta') or {}).get('seed')
    if seed is None:
        seed = same_everywhere(int.from_bytes(os.urandom(4), 'little'))
    if type(seed) is not int or seed < 0:
        raise ValueError(f'the seed must be a whole number from 0 up, got {seed!r}')
    return seed


def _validation_set(cfg: Config) -> Any:
    """``cfg.data.val`` as a test set; classic configs leave test_mode out.

    Raises:
        ValueError: it has no annotations to score against.
    """
    val = copy.deepcopy(cfg.data.val)
    if not isinstance(val, dict) or isinstance(val.get('ann_file'), (list, tuple)):
        raise ValueError('--validate scores one annotation file; data.val '
                         'lists several: leave one')
    val.update(test_mode=True, flip_ratio=0)
    dataset = build_dataset(val)
    if not has_annotations(dataset):
        raise ValueError(
            f'{val.ann_file}: has no annotations, --validate cannot score it; '
            'split the training file with tools/convert_datasets/'
            'split_videos.py and set data.val to the part held out')
    for part in files_of(dataset):
        check_frames(part)
        check_frame_sizes(part)
    return dataset


def _build_runner(model: nn.Module, dataset: Any, cfg: Config,
                  distributed: bool, logger: logging.Logger, json_path: str,
                  seed: int) -> TrainRunner:
    device = this_device()
    workers = set_threads(cfg.data.get('workers_per_gpu', 2),
                          cfg.get('num_threads'))
    loader = build_dataloader(dataset, cfg.data.imgs_per_gpu, workers,
                              num_gpus=1, dist=distributed, seed=seed)
    wrapper = classic.optim_wrapper(cfg, device)
    pairs = (cfg.data.imgs_per_gpu * rank_and_world()[1] *
             wrapper['accumulative_counts'])
    factor, said = classic.scaled_lr(cfg, pairs)
    if said:
        wrapper['optimizer']['lr'] *= factor
        logger.info(said)
    interval, backends = classic.log_config(cfg)
    return TrainRunner(
        classic.prepare_model(cfg, model),
        logger,
        resume_from=cfg.get('resume_from'),
        load_from=cfg.get('load_from'),
        allow_partial=cfg.get('allow_partial', False),
        work_dir=cfg.work_dir,
        train_dataloader=loader,
        train_cfg=dict(type=TrainLoop, max_epochs=cfg.total_epochs,
                       val_interval=classic.evaluation(cfg)),
        optim_wrapper=wrapper,
        default_hooks=dict(_OFF),
        custom_hooks=_hooks(cfg, len(loader), interval, json_path),
        visualizer=Visualizer(vis_backends=backends, save_dir=cfg.work_dir),
        # mmengine keeps objects by this name; every run needs its own.
        experiment_name=uuid.uuid4().hex,
        launcher='pytorch' if distributed else 'none',
        randomness=dict(seed=seed,
                        deterministic=cfg.get('deterministic', False)),
        cfg=cfg)


def _hooks(cfg: Config, length: int, interval: int,
           json_path: str) -> list[Hook]:
    schedule = Schedule(cfg.get('lr_config') or {}, cfg.total_epochs,
                        cfg.total_epochs * length)
    hooks: list[Hook] = [
        LrHook(schedule),
        LogHook(interval, json_path),
        CheckpointHook(**classic.checkpoint_config(cfg)),
        StopHook(),
        PendingValidationHook()
    ]
    if cfg.get('ema'):
        options = {} if cfg.ema is True else dict(cfg.ema)
        check_keys(options, _EMA, 'ema')
        hooks.append(EMAHook(**options))
    return hooks


def _say_what_runs(runner: TrainRunner, cfg: Config, dataset: Any) -> None:
    """The numbers every report of a result should state."""
    accumulation = runner.optim_wrapper['accumulative_counts']
    each = cfg.data.imgs_per_gpu
    runner.logger.info(
        f'{len(dataset)} training items, {cfg.total_epochs} epochs; '
        f'{each * runner.world_size * accumulation} items a step ({each} x '
        f'{runner.world_size} processes x {accumulation} accumulated); '
        f'{cfg.optimizer.type} lr {runner.optim_wrapper["optimizer"]["lr"]:g}; '
        f'seed {runner.seed}; {runner.device}, '
        f'{torch.get_num_threads()} threads, '
        f'{runner._train_dataloader.num_workers} data workers')
