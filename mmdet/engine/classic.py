"""Classic config keys to the parts of a training run, one function per key."""
import importlib.util
import inspect
import os
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import HOOKS
from torch import nn

from mmdet.engine.hooks import EmaHook
from mmdet.engine.inference import DTYPES
from mmdet.engine.updater import Updater
from mmdet.utils import check_keys, nearest
from mmdet.utils.errors import BadKey, BadValue, MissingPackage, sentence

_PARAMWISE = ('bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult',
              'dwconv_decay_mult', 'bypass_duplicate', 'custom_keys')
_BACKENDS = dict(  # hook of 2019: mmengine's back end, package it needs
    TensorboardLoggerHook=('TensorboardVisBackend', 'tensorboard'),
    WandbLoggerHook=('WandbVisBackend', 'wandb'))


def optimizer(cfg: Config, model: nn.Module) -> torch.optim.Optimizer:
    """``optimizer`` of the parameters of a model.

    ``paramwise_options`` (bias_lr_mult, bias_decay_mult, norm_decay_mult) and
    the later name ``paramwise_cfg`` are both understood.
    """
    args = dict(cfg.optimizer)
    kind = args.get('type')
    valid = [name for name, value in vars(torch.optim).items()
             if isinstance(value, type)]
    if kind not in valid:
        raise BadKey(f'optimizer.type "{kind}" is unknown'
                       f'{nearest(kind, valid)}')
    known = inspect.signature(getattr(torch.optim, kind)).parameters
    check_keys(args, ['type', 'paramwise_options', 'paramwise_cfg', *list(known)[1:]], 'optimizer')
    for key, value in args.items():
        if isinstance(value, str) and isinstance(getattr(known.get(key), 'default', None), float):
            raise BadValue(f'optimizer.{key} must be a number, got the text {value!r}')
    paramwise = args.pop('paramwise_options', args.pop('paramwise_cfg', None))
    if paramwise:
        check_keys(paramwise, _PARAMWISE, 'optimizer.paramwise_options')
    try:
        return build_optim_wrapper(model, dict(
            type='OptimWrapper', optimizer=args, paramwise_cfg=paramwise)).optimizer
    except (TypeError, ValueError) as error:
        raise BadValue(f'optimizer: {kind} cannot be made of {dict(cfg.optimizer)}: '
                       f'{sentence(error)}') from error


def optimizer_config(cfg: Config) -> dict:
    """``optimizer_config``: gradient clipping and accumulation.

    ``grad_clip=dict(max_norm=35, norm_type=2)`` as in 2019;
    ``accumulation=k`` sums the gradients of k batches for each step.
    """
    args = dict(cfg.get('optimizer_config') or {})
    args.pop('type', None)
    check_keys(args, ('grad_clip', 'accumulation', 'coalesce',
                      'bucket_size_mb', 'loss_scale', 'distributed'),
               'optimizer_config')
    clip = args.get('grad_clip')
    check_keys(clip or {}, ('max_norm', 'norm_type', 'error_if_nonfinite'),
               'optimizer_config.grad_clip')
    return dict(clip=dict(clip) if clip else None, accumulation=args.get('accumulation', 1))


def fp16(cfg: Config, device: torch.device) -> dict:
    """``fp16``: how the updater computes in half precision.

    ``fp16 = dict(loss_scale=512.)`` as in 2019; ``loss_scale='dynamic'``,
    ``dtype='bfloat16'`` and True are new. On a CPU it is bfloat16 without scaling.

    Raises:
        KeyError: unknown ``dtype``.
    """
    args = cfg.get('fp16')
    if not args:
        return {}
    args = {} if args is True else args
    check_keys(args, ('loss_scale', 'dtype'), 'fp16')
    on_cpu = device.type == 'cpu'
    name = args.get('dtype', 'bfloat16' if on_cpu else 'float16')
    if name not in DTYPES:
        raise BadKey(f'fp16.dtype "{name}" is unknown{nearest(name, DTYPES)}')
    if on_cpu and name == 'float16':
        raise BadKey('fp16.dtype "float16" needs a GPU; on a CPU leave it out or set "bfloat16"')
    scale = None if name == 'bfloat16' else args.get('loss_scale', 'dynamic')
    return dict(dtype=DTYPES[name], loss_scale=scale)


def updater(cfg: Config, model: nn.Module, device: torch.device, total: int = 0) -> Updater:
    """Optimiser, accumulation, clipping and precision of a run of ``total`` steps."""
    return Updater(optimizer(cfg, model), device_type=device.type, total=total,
                   **optimizer_config(cfg), **fp16(cfg, device))


def ema(cfg: Config) -> list[EmaHook]:
    """``ema = dict(momentum=0.0002)`` or True: the hook that averages, if any."""
    if not cfg.get('ema'):
        return []
    options = {} if cfg.ema is True else dict(cfg.ema)
    check_keys(options, ('momentum', 'interval', 'begin_iter', 'begin_epoch'), 'ema')
    return [EmaHook(**options)]


def custom_hooks(cfg: Config) -> list[Hook]:
    """``custom_hooks = [dict(type='MyHook', ...)]`` out of mmengine's registry of hooks.

    Raises:
        KeyError: no such hook is registered.
    """
    hooks = []
    for args in cfg.get('custom_hooks') or []:
        kind = args.get('type')
        if isinstance(kind, str) and HOOKS.get(kind) is None:
            raise BadKey(f'custom_hooks: no hook "{kind}" is registered; import its file with '
                         f'custom_imports{nearest(kind, HOOKS.module_dict)}')
        hooks.append(HOOKS.build(dict(args)))
    return hooks


def log_config(cfg: Config) -> tuple[int, list[dict]]:
    """``log_config`` to the interval and the extra back ends.

    ``TextLoggerHook`` is always on; ``TensorboardLoggerHook`` and
    ``WandbLoggerHook`` become mmengine's back ends, their arguments pass on.

    Raises:
        KeyError: unknown hook.
        ImportError: its package is not installed.
    """
    args = cfg.get('log_config') or {}
    check_keys(args, ('interval', 'hooks'), 'log_config')
    backends = []
    for hook in args.get('hooks') or []:
        hook = dict(hook)
        kind = hook.pop('type')
        if kind == 'TextLoggerHook':
            continue
        if kind not in _BACKENDS:
            known = ['TextLoggerHook', *_BACKENDS]
            raise BadKey(f'log_config has no hook "{kind}"'
                           f'{nearest(kind, known)}')
        for unused in ('interval', 'ignore_last', 'reset_flag'):
            hook.pop(unused, None)
        backend, package = _BACKENDS[kind]
        if importlib.util.find_spec(package) is None:
            raise MissingPackage(f'log_config: {kind} needs the package '
                              f'"{package}"; pip install {package}')
        if backend == 'TensorboardVisBackend':
            hook['save_dir'] = hook.pop('log_dir', None) or os.path.join(
                cfg.work_dir, 'tf_logs')
        backends.append(dict(type=backend, **hook))
    return args.get('interval', 10), backends


def checkpoint_config(cfg: Config) -> dict:
    """``checkpoint_config`` to the arguments of :class:`CheckpointFolder`."""
    args = dict(cfg.get('checkpoint_config') or dict(interval=-1))
    args.pop('type', None)
    args.pop('create_symlink', None)
    check_keys(args, ('interval', 'by_epoch', 'max_keep_ckpts', 'save_best',
                      'save_optimizer', 'minutes'), 'checkpoint_config')
    return args


def evaluation(cfg: Config) -> int:
    """``evaluation = dict(interval=1)``: epochs between validations."""
    args = cfg.get('evaluation') or {}
    check_keys(args, ('interval', ), 'evaluation')
    return args.get('interval', 1)


def inference(cfg: Config, **given: bool | str | None) -> dict[str, bool | str]:
    """``inference = dict(amp=False, compile=False)``: arguments of :func:`prepare_inference`.

    Args:
        given: what a caller chose instead; None leaves it to the config.
    """
    args = dict(cfg.get('inference') or {})
    check_keys(args, ('amp', 'compile'), 'inference')
    return args | {key: value for key, value in given.items() if value is not None}


def check_numbers(cfg: Config) -> None:
    """Counts that must be whole and at least 1.

    Raises:
        ValueError: one is not.
    """
    wanted = {'total_epochs': cfg.total_epochs, 'data.imgs_per_gpu': cfg.data.imgs_per_gpu,
              'evaluation.interval': evaluation(cfg),
              'optimizer_config.accumulation': optimizer_config(cfg)['accumulation']}
    for key, value in wanted.items():
        if type(value) is not int or value < 1:
            raise BadValue(f'{key} must be a whole number from 1 up, got {value!r}')


def workflow(cfg: Config) -> None:
    """``workflow``: only ``[('train', n)]`` trains, as in 2019.

    Raises:
        ValueError: anything else.
    """
    flow = cfg.get('workflow') or [('train', 1)]
    if len(flow) != 1 or flow[0][0] != 'train':
        raise BadValue(f'workflow is {flow}; expected [(\'train\', 1)]; to '
                         'score during training use --validate')


def scaled_lr(cfg: Config, pairs_a_step: int) -> tuple[float, str | None]:
    """``auto_scale_lr``: the linear rule, off unless asked.

    Args:
        pairs_a_step: processes x ``imgs_per_gpu`` x accumulation.

    Returns:
        The factor on ``optimizer.lr`` and what to log (None if off).
    """
    args = cfg.get('auto_scale_lr') or {}
    check_keys(args, ('enable', 'base_batch_size'), 'auto_scale_lr')
    if not args.get('enable', False):
        return 1., None
    base = args.get('base_batch_size', 32)
    factor = pairs_a_step / base
    return factor, (f'auto_scale_lr: {pairs_a_step} pairs a step against '
                    f'{base}: learning rate times {factor:g}')


def prepare_model(cfg: Config, model: nn.Module) -> nn.Module:
    """``channels_last``, ``compile`` and ``cudnn_benchmark``, which ``deterministic`` overrules."""
    if cfg.get('cudnn_benchmark', False) and not cfg.get('deterministic', False):
        torch.backends.cudnn.benchmark = True
    if cfg.get('channels_last', False):
        model = model.to(memory_format=torch.channels_last)
    options: Any = cfg.get('compile')
    if options:
        options = {} if options is True else dict(options)
        # The heads have as many shapes as pictures have objects.
        for part in (model.backbone, getattr(model, 'neck', None)):
            if part is not None:
                part.compile(**options)
    return model
