"""bfloat16 training, on CPUs too."""
import contextlib
from typing import Any, Iterator

import torch
from mmengine.optim import OptimWrapper
from torch import nn


class AutocastOptimWrapper(OptimWrapper):
    """bfloat16 autocast without loss scaling.

    mmengine's AmpOptimWrapper refuses to be built without a GPU, and bfloat16
    has float32's range, so nothing needs scaling.

    Args:
        device: ``cpu`` or ``cuda``.
        **kwargs: for mmengine's OptimWrapper.
    """

    def __init__(self, device: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.device = device

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model):
            with torch.autocast(self.device, torch.bfloat16):
                yield
