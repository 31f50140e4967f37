"""Going on with a run whose config was edited: what counts, what is refused, what is said.

============================  =============================================================
the config changes            a resumed run
============================  =============================================================
optimizer.type                refuses: the state of one is nothing to another
other keys of optimizer       uses the config's (lr, momentum, ...); buffers go on
the length of an epoch        at the end of an epoch uses it, within one refuses: batch size,
                              number of processes or data changed
accumulation                  refuses where gradients of a started update wait, else uses it
fp16, seed                    uses it and says so
anything else                 uses it; heads of other shapes do not load
============================  =============================================================
"""
import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.utils.errors import BadValue


def check_resumable(checkpoint: dict, path: str) -> None:
    """Whether a file holds all that a run needs to go on.

    Raises:
        ValueError: it holds weights only, or parts of another form.
    """
    optimizer, meta = checkpoint.get('optimizer'), checkpoint.get('meta')
    weights = checkpoint.get('state_dict')
    whole = (isinstance(weights, dict) and weights and isinstance(meta, dict)
             and all(type(meta.get(key)) is int and meta[key] >= 0 for key in ('epoch', 'iter'))
             and isinstance(optimizer, dict) and isinstance(optimizer.get('state'), dict)
             and isinstance(optimizer.get('param_groups'), list))
    if not whole:
        raise BadValue(f'{path}: has weights, but no state of a run to resume; start from it '
                       'with --load_from')


def check_optimizer(saved: dict, kind: str | None, optimizer: torch.optim.Optimizer,
                    path: str) -> None:
    """Compare the state of an optimiser with the one that will take it.

    A state of other shapes reads foreign memory in fused optimisers.

    Args:
        saved: its ``state_dict``.
        kind: its type; None in older files, which is guessed from its settings.
        optimizer: takes it.
        path: of the checkpoint.

    Raises:
        ValueError: it is of another kind of optimiser or of other parameters.
    """
    wanted, found = optimizer.param_groups, saved['param_groups']
    name = type(optimizer).__name__
    if kind != name if kind else _settings_of(found) != _settings_of(wanted):
        raise BadValue(f'{path}: was trained with {kind or "another optimiser"}, the config says '
                       f'{name}; set optimizer.type back, or start from its weights with '
                       '--load_from')
    params = [p for group in wanted for p in group['params']]
    numbers = [i for group in found if isinstance(group, dict) for i in group.get('params', ())]
    fits = len(numbers) == len(params) and all(
        _fits(saved['state'].get(number, {}), p) for number, p in zip(numbers, params))
    if not fits:
        raise BadValue(f'{path}: is of another model or optimiser than the config (the '
                       'optimiser\'s state has other shapes); resume with the config it was '
                       'trained with')


def _settings_of(groups: Sequence[Any]) -> set[str]:
    first = groups[0] if groups and isinstance(groups[0], dict) else {}
    return {'betas', 'momentum', 'alpha', 'rho', 'lambd', 'lr_decay', 'etas'} & set(first)


def _fits(state: Any, param: Tensor) -> bool:
    return isinstance(state, dict) and all(
        value.shape == param.shape or value.dim() == 0
        for value in state.values() if isinstance(value, Tensor))


def resumed_iter(meta: dict, steps_per_epoch: int, path: str, logger: logging.Logger) -> int:
    """Steps done, counted in epochs of today's length.

    Raises:
        ValueError: epochs have another length, and the run stopped within one.
    """
    before = meta.get('steps_per_epoch', steps_per_epoch)
    if before == steps_per_epoch:
        return meta['iter']
    if meta.get('inner', 0):
        raise BadValue(
            f'{path}: was written within an epoch of {before} steps, now epochs have '
            f'{steps_per_epoch}: data.imgs_per_gpu, the number of processes or the data changed; '
            'set them back, or resume the checkpoint of a finished epoch')
    logger.warning(f'epochs had {before} steps, now they have {steps_per_epoch} '
                   '(data.imgs_per_gpu, processes or data changed)')
    return meta['epoch'] * steps_per_epoch


def check_pending(gradients: dict, accumulation: int, iteration: int, path: str) -> None:
    """Gradients of a started update fit only the same accumulation (ValueError)."""
    if gradients and iteration % accumulation == 0:
        raise BadValue(f'{path}: was written within an update, but optimizer_config.accumulation '
                       'changed; set it back, or resume the checkpoint of a finished epoch')


def say_changes(meta: dict, now: dict[str, Any], keys: Sequence[str],
                logger: logging.Logger) -> None:
    """Warn of entries that are not what they were and are used."""
    for key in keys:
        if key in meta and meta[key] != now[key]:
            logger.warning(f'the run began with {key} {meta[key]}, it goes on with {now[key]}')
