"""Training a detector from a classic config."""
import copy
import dataclasses
import functools
import logging
import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import VISBACKENDS
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mmdet.apis.test import track_score
from mmdet.checkpoint import load_checkpoint, read_checkpoint
from mmdet.datasets import build_dataloader, build_dataset
from mmdet.datasets.base import BaseDataset
from mmdet.engine import classic
from mmdet.engine.checks import check_classes, check_frames, check_inputs, check_targets
from mmdet.engine.distribution import broadcast, init_dist, rank_and_world, together
from mmdet.engine.environment import environment_text, set_random_seed, set_threads, this_device
from mmdet.engine.hooks import LogHook, LrHook, SkippedHook, StopHook
from mmdet.engine.run_checkpoints import CheckpointFolder, find_latest
from mmdet.engine.schedule import Schedule
from mmdet.engine.test_loop import choose_loop, evaluate_detector, result_types
from mmdet.engine.trainer import Trainer
from mmdet.engine.validation import Validation
from mmdet.engine.work_folder import work_folder
from mmdet.formats.results import check_track_score
from mmdet.models import build_detector
from mmdet.utils import atomic_write, get_root_logger, load_config
from mmdet.utils.config import require
from mmdet.utils.errors import BadKey, BadValue, MissingFile


@dataclasses.dataclass
class TrainOptions:
    """The options of ``tools/train.py``, which explains each."""
    config: str
    work_dir: str | None = None
    resume_from: str | None = None
    auto_resume: bool = False
    overwrite: bool = False
    load_from: str | None = None
    allow_partial: bool = False
    validate: bool = False
    gpus: int = 1
    seed: int | None = None
    deterministic: bool = False
    amp: bool = False
    auto_scale_lr: bool = False
    cfg_options: dict | None = None
    launcher: str = 'none'
    device: str | None = None


class Prepared(NamedTuple):
    """Config with all options in it, training set, detector."""
    cfg: Config
    dataset: BaseDataset
    detector: nn.Module


def make_config(options: TrainOptions) -> Config:
    """The config file with the options written into it."""
    cfg = load_config(options.config, options.cfg_options)
    require(cfg, 'model', 'data.train', 'data.imgs_per_gpu', 'optimizer', 'total_epochs')
    name = os.path.splitext(os.path.basename(options.config))[0]
    cfg.work_dir = options.work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    for key in ('seed', 'resume_from', 'load_from', 'device'):
        if getattr(options, key) is not None:
            cfg[key] = getattr(options, key)
    if str(cfg.get('load_from')).lower() == 'none':
        cfg.load_from = None
    if options.amp and not cfg.get('fp16'):
        cfg.fp16 = dict(loss_scale='dynamic')
    if options.auto_scale_lr:
        cfg.auto_scale_lr = {**(cfg.get('auto_scale_lr') or {}), 'enable': True}
    cfg.deterministic = options.deterministic or cfg.get('deterministic', False)
    cfg.overwrite = options.overwrite or cfg.get('overwrite', False)
    cfg.allow_partial = options.allow_partial or cfg.get('allow_partial', False)
    return cfg


def prepare(options: TrainOptions) -> Prepared:
    """Build what trains.

    Raises:
        FileNotFoundError, ValueError, TypeError, KeyError: one sentence that says what to
            correct.
    """
    cfg = make_config(options)
    device = this_device(cfg.get('device'))
    if options.launcher != 'none':
        on_cpu = dict(backend='gloo') if device.type == 'cpu' else {}
        init_dist(options.launcher, **{**cfg.get('dist_params', {}), **on_cpu})
    logger = get_root_logger(cfg.get('log_level', 'INFO'))
    if options.auto_resume:
        first = rank_and_world()[0] == 0  # all go on from one file
        found = together(lambda: find_latest(cfg.work_dir, logger) if first else None)
        cfg.resume_from = broadcast(found) or cfg.get('resume_from')
    cfg.seed = choose_seed(cfg)
    set_random_seed(cfg.seed, cfg.deterministic)
    dataset = build_dataset(cfg.data.train)
    model = dict(cfg.model)
    if cfg.get('resume_from') or (cfg.get('load_from') and not cfg.allow_partial):
        model['pretrained'] = None  # the checkpoint holds the backbone too
    detector = build_detector(model, train_cfg=cfg.get('train_cfg'), test_cfg=cfg.get('test_cfg'))
    return Prepared(cfg, dataset, detector)


def run(options: TrainOptions) -> nn.Module:
    """Train as the options say; see :func:`train_detector`."""
    cfg, dataset, detector = prepare(options)
    return train_detector(detector, dataset, cfg, distributed=options.launcher != 'none',
                          validate=options.validate)


def train_detector(model: nn.Module, dataset: Any | Sequence[Any], cfg: Config,
                   distributed: bool = False, validate: bool = False,
                   logger: logging.Logger | None = None) -> nn.Module:
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
        FileExistsError: another run trains in the work folder, or left checkpoints there.
    """
    classic.workflow(cfg)
    classic.check_numbers(cfg)
    if isinstance(dataset, (list, tuple)):
        dataset, = dataset
    check_classes(model, dataset)
    check_frames(dataset)
    check_targets(model, dataset)
    validation = validation_of(cfg, model) if validate else None
    cfg.seed = choose_seed(cfg)
    stamp = broadcast(time.strftime('%Y%m%d_%H%M%S'))
    log_file = os.path.join(cfg.work_dir, f'{stamp}.log')
    with work_folder(cfg.work_dir, cfg.get('resume_from'), cfg.get('overwrite', False)):
        logger = logger or get_root_logger(cfg.get('log_level', 'INFO'), log_file)
        trainer = build_trainer(model, dataset, cfg, distributed, validation, f'{log_file}.json',
                                logger)
        say_what_runs(trainer, cfg)
        write_config(cfg)
        return trainer.train(cfg.get('resume_from'))


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
        raise MissingFile(f'{path}: no such checkpoint to resume; check --resume_from, or '
                                'let --auto-resume find it in the work folder, which all machines '
                                'must share')
    if seed is None and path:
        seed = (read_checkpoint(path).get('meta') or {}).get('seed')
    if seed is None:
        seed = broadcast(int.from_bytes(os.urandom(4), 'little'))
    if type(seed) is not int or seed < 0:
        raise BadValue(f'the seed must be a whole number from 0 up, got {seed!r}')
    return seed


def validation_of(cfg: Config, model: nn.Module) -> Validation:
    """``cfg.data.val`` as a test set, whatever its test_mode, and what is scored on it.

    Raises:
        ValueError: it has no annotations to score against, or other classes than the model.
        TypeError: the model cannot be tested on it, or gives nothing that it scores.
        KeyError: ``checkpoint_config.save_best`` is none of its numbers.
    """
    val = copy.deepcopy(cfg.data.val)
    if not isinstance(val, dict) or isinstance(val.get('ann_file'), (list, tuple)):
        raise BadValue('--validate scores one annotation file; data.val '
                         'lists several: leave one')
    val.update(test_mode=True, flip_ratio=0)
    dataset = build_dataset(val)
    if not dataset.has_annotations():
        raise BadValue(
            f'{val.ann_file}: has no annotations, --validate cannot score it; '
            'split the training file with tools/convert_datasets/'
            'split_videos.py and set data.val to the part held out')
    check_frames(dataset)
    check_classes(model, dataset)
    check_inputs(model, dataset)
    choose_loop(model, dataset)
    types = result_types(model, dataset)
    wanted = classic.checkpoint_config(cfg).get('save_best', 'auto')
    if wanted not in ('auto', None) and not wanted.startswith(tuple(f'{t}_' for t in types)):
        raise BadKey(f'checkpoint_config.save_best is "{wanted}", but --validate scores '
                     f'{" and ".join(types)}; name one of their numbers, e.g. "{types[0]}_AP", or '
                     'leave it "auto"')
    check_track_score(track_score(cfg))
    evaluate = functools.partial(evaluate_detector, types=types, track_score=track_score(cfg),
                                 amp=classic.inference(cfg).get('amp', False))
    return Validation(dataset, evaluate, classic.evaluation(cfg))


def build_trainer(model: nn.Module, dataset: Any, cfg: Config, distributed: bool,
                  validation: Validation | None, json_path: str,
                  logger: logging.Logger) -> Trainer:
    """Put a run together from its config."""
    set_random_seed(cfg.seed, cfg.get('deterministic', False))
    device = this_device(cfg.get('device'))
    workers = set_threads(cfg.data.get('workers_per_gpu', 2), cfg.get('num_threads'), device)
    loader = build_dataloader(dataset, cfg.data.imgs_per_gpu, workers, num_gpus=1,
                              dist=distributed, seed=cfg.seed, pin_memory=device.type != 'cpu')
    model = classic.prepare_model(cfg, model).to(device)
    if cfg.get('load_from') and not cfg.get('resume_from'):
        load_checkpoint(model, cfg.load_from, logger=logger,
                        allow_partial=cfg.get('allow_partial', False))
    if distributed:
        model = DistributedDataParallel(
            model, device_ids=None if device.type == 'cpu' else [device.index],
            find_unused_parameters=cfg.get('find_unused_parameters', False))
    updater = classic.updater(cfg, model, device, cfg.total_epochs * len(loader))
    factor, said = classic.scaled_lr(cfg, items_a_step(cfg))
    for group in updater.param_groups:
        group['lr'] *= factor
    if said:
        logger.info(said)
    checkpoints = CheckpointFolder(cfg.work_dir, **classic.checkpoint_config(cfg))
    hooks = build_hooks(cfg, len(loader), json_path)
    hooks.append(SkippedHook(sum(part.skip_broken for part in dataset.parts())))
    return Trainer(model, loader, dataset.preprocessor(), updater, checkpoints, validation,
                   hooks, cfg, logger)


def build_hooks(cfg: Config, length: int, json_path: str) -> list[Hook]:
    """What happens around the steps of epochs of ``length`` steps."""
    schedule = Schedule(cfg.get('lr_config') or {}, cfg.total_epochs, cfg.total_epochs * length)
    interval, backends = classic.log_config(cfg)
    backends = [VISBACKENDS.build(dict(dict(save_dir=cfg.work_dir), **backend))
                for backend in backends] if rank_and_world()[0] == 0 else []
    return [LrHook(schedule), LogHook(interval, json_path, backends), StopHook(),
            *classic.ema(cfg), *classic.custom_hooks(cfg)]


def items_a_step(cfg: Config) -> int:
    """Items whose gradients make one update."""
    return (cfg.data.imgs_per_gpu * rank_and_world()[1] *
            classic.optimizer_config(cfg)['accumulation'])


def say_what_runs(trainer: Trainer, cfg: Config) -> None:
    """The numbers every report of a result should state."""
    logger, loader = trainer.logger, trainer.train_dataloader
    logger.info(f'Environment:\n{environment_text()}')
    logger.info(f'Config:\n{cfg.pretty_text}', extra=dict(file_only=True))
    logger.info(
        f'{len(loader.dataset)} training items, {cfg.total_epochs} epochs; '
        f'{items_a_step(cfg)} items a step ({cfg.data.imgs_per_gpu} x '
        f'{trainer.world_size} processes x {trainer.updater.accumulation} accumulated); '
        f'{cfg.optimizer.type} lr {trainer.updater.param_groups[0]["lr"]:g}; '
        f'seed {trainer.seed}; {trainer.device}, {torch.get_num_threads()} threads, '
        f'{loader.num_workers} data workers')


def write_config(cfg: Config) -> None:
    """The config as used, into the work folder."""
    if rank_and_world()[0] == 0:
        name = os.path.basename(cfg.filename or 'config.py')
        with atomic_write(os.path.join(cfg.work_dir, name), 'w') as file:
            file.write(cfg.pretty_text)
