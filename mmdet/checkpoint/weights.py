"""What weights must be before a model takes them."""
from typing import Any

import torch
from torch import Tensor

from mmdet.utils.errors import BadValue

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64)


def weights_of(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """The state dict in a checkpoint of any code base, ``module.`` of a wrapper taken off.

    It is under ``state_dict`` or ``model``, or the checkpoint itself; empty if there is none.
    """
    state = next((checkpoint[key] for key in ('state_dict', 'model')
                  if isinstance(checkpoint.get(key), dict)), checkpoint)
    state = {key: value for key, value in state.items()
             if isinstance(key, str) and isinstance(value, Tensor)}
    if state and all(key.startswith('module.') for key in state):
        state = {key[7:]: value for key, value in state.items()}
    return state


def check_weights(state: dict[str, Any], filename: str, model: dict[str, Tensor] | None = None,
                  finite: bool = True) -> None:
    """Refuse what would be copied into a model and could not be meant.

    Args:
        state: weights and buffers by name.
        filename: where they came from.
        model: what will take them, to compare types; only names of it are looked at.
        finite: whether NaN and infinity are refused, too.

    Raises:
        ValueError: names the first that is wrong.
    """
    for key, value in state.items():
        if model is not None and key not in model:
            continue
        if not isinstance(value, Tensor):
            raise BadValue(f'{filename}: {key:.100} is no tensor but {type(value).__name__}')
        other = model is not None and model[key].is_floating_point() != value.is_floating_point()
        if value.dtype not in _DTYPES or other:
            raise BadValue(f'{filename}: {key:.100} holds {str(value.dtype).removeprefix("torch.")}'
                           ' numbers, which are no weights; save it as float32')
        if finite and not torch.isfinite(value).all():
            raise BadValue(
                f'{filename}: {key:.100} has {int((~torch.isfinite(value)).sum())} of '
                f'{value.numel()} numbers that are NaN or infinite, the training diverged; use an '
                'earlier checkpoint, or pass --allow-partial to load it as it is')
