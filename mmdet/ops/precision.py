"""Sums that must not be computed in half precision."""
import contextlib

import torch
from torch import Tensor


def without_autocast(tensor: Tensor) -> contextlib.AbstractContextManager:
    """Autocast off on the device of a tensor: it would cast operands of a product back."""
    if tensor.device.type == 'meta':  # of which autocast knows nothing
        return contextlib.nullcontext()
    return torch.autocast(tensor.device.type, enabled=False)
