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
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdet.checkpoint.weights import check_weights
from mmdet.utils.errors import BadValue

_OF_THE_DEVICE = ('capturable', 'fused', 'foreach', 'differentiable')


def check_resumable(checkpoint: dict, path: str) -> None:
    """Whether a file holds all that a run needs to go on.

    Raises:
        ValueError: it holds weights only, parts of another form, or weights that are NaN.
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
    check_weights(weights, path)
    strange = [key for key, kind in dict(inner=int, steps_per_epoch=int, optimizer=str).items()
               if key in meta and type(meta[key]) is not kind]
    if strange or not all(isinstance(group, dict) and isinstance(group.get('params'), list)
                          for group in optimizer['param_groups']):
        raise BadValue(f'{path}: the state of its run is of another form '
                       f'({", ".join(strange) or "param_groups"}); start from its weights with '
                       '--load_from')


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
    numbers = [number for group in found for number in group['params']]
    needed = _entries_of(optimizer)
    fits = [len(g['params']) for g in found] == [len(g['params']) for g in wanted] and all(
        type(number) is int and _fits(saved['state'].get(number, {}), p, needed)
        for number, p in zip(numbers, params))
    if not fits:
        raise BadValue(f'{path}: is of another model or optimiser than the config (the '
                       'optimiser\'s state has other shapes); resume with the config it was '
                       'trained with')


def _settings_of(groups: Sequence[Any]) -> set[str]:
    first = groups[0] if groups and isinstance(groups[0], dict) else {}
    return {'betas', 'momentum', 'alpha', 'rho', 'lambd', 'lr_decay', 'etas'} & set(first)


def _entries_of(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What an optimiser remembers of a parameter after a step: of one number, found by a step."""
    param = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    param.grad = torch.ones_like(param)
    settings = {key: value for key, value in optimizer.param_groups[0].items()
                if key in optimizer.defaults and key not in _OF_THE_DEVICE}
    with contextlib.suppress(TypeError, RuntimeError):  # one that is not made or used like others
        trial = type(optimizer)([dict(settings, params=[param])])
        trial.step()
        return trial.state[param]
    return {}


def _fits(state: Any, param: Tensor, needed: dict[str, Any]) -> bool:
    """Whether the state of a parameter is empty, or has all entries, of the right shapes."""
    if not isinstance(state, dict):
        return False
    others = [value for key, value in state.items()
              if key not in needed and isinstance(value, Tensor)]
    return not state or needed.keys() <= state.keys() and all(
        _is_like(state[key], value, param) for key, value in needed.items()) and all(
        value.shape == param.shape or value.dim() == 0 for value in others)


def _is_like(value: Any, needed: Any, param: Tensor) -> bool:
    if not isinstance(needed, Tensor):
        return type(value) is type(needed)
    return (isinstance(value, Tensor) and value.is_floating_point() == needed.is_floating_point()
            and not value.is_complex()
            and value.shape == (param.shape if needed.dim() else torch.Size()))


def set_gradients(model: nn.Module, gradients: dict[str, Tensor]) -> None:
    """Put back what a started update has summed up; raises if it is not of this model."""
    for name, gradient in gradients.items():
        param = model.get_parameter(name)
        param.grad = gradient.to(param.device)


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
