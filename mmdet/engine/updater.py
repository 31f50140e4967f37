"""From a loss to an update: accumulation, mixed precision, clipping."""
import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


class Updater:
    """An optimiser and everything between a loss and its step.

    Args:
        optimizer: of torch.
        accumulation: batches whose mean gradient makes one update.
        clip: arguments of ``torch.nn.utils.clip_grad_norm_``, or None.
        device_type: where the model is, for autocast.
        dtype: autocast to it; None computes in float32.
        loss_scale: a number, ``'dynamic'``, or None: no scaling (bfloat16 has
            float32's range).
        total: steps of the run; the last ones are an update of their own.

    Attributes:
        count: steps done; between updates it is no multiple of ``accumulation``.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, accumulation: int = 1,
                 clip: dict | None = None, device_type: str = 'cpu',
                 dtype: torch.dtype | None = None, loss_scale: float | str | None = None,
                 total: int = 0) -> None:
        self.optimizer, self.accumulation, self.clip = optimizer, accumulation, clip
        self.device_type, self.dtype, self.total = device_type, dtype, total
        self.scaler = None
        if loss_scale is not None:
            start = {} if loss_scale == 'dynamic' else dict(init_scale=float(loss_scale))
            self.scaler = torch.amp.GradScaler(device_type, **start)
        self.static_scale = None if loss_scale in (None, 'dynamic') else float(loss_scale)
        self.count = 0

    @property
    def param_groups(self) -> list[dict]:
        """Of the optimiser."""
        return self.optimizer.param_groups

    def is_update(self, count: int) -> bool:
        """Whether the step that makes ``count`` of them ends with an update."""
        return count % self.accumulation == 0 or count == self.total

    @contextlib.contextmanager
    def forward_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast; DDP holds its exchange back until the update."""
        holds = hasattr(model, 'no_sync') and not self.is_update(self.count + 1)
        with model.no_sync() if holds else contextlib.nullcontext(), torch.autocast(
                self.device_type, self.dtype or torch.bfloat16, enabled=self.dtype is not None):
            yield

    def backward(self, loss: Tensor) -> Tensor | None:
        """Add the gradients of a loss.

        Returns:
            0-d norm of the gradients before they are clipped, on the device; None without
            ``clip`` and between updates.
        """
        loss = loss / self._batches_of_update()
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        self.count += 1
        if not self.is_update(self.count) or self.clip is None:
            return None
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        params = [p for group in self.param_groups for p in group['params'] if p.grad is not None]
        return torch.nn.utils.clip_grad_norm_(params, **self.clip)

    def _batches_of_update(self) -> int:
        whole = self.total - self.total % self.accumulation
        return self.accumulation if not self.total or self.count < whole else self.total - whole

    def step(self) -> None:
        """Update the weights if the gradients are complete."""
        if not self.is_update(self.count):
            return
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update(self.static_scale)
        self.optimizer.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's state, and the loss scale beside it."""
        state = self.optimizer.state_dict()
        if self.scaler is not None:
            state['loss_scaler'] = self.scaler.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave; settings such as the rate stay the config's.

        Raises:
            ValueError: it does not fit.
        """
        settings = [{key: value for key, value in group.items() if key != 'params'}
                    for group in self.param_groups]
        state = dict(state)
        scale = state.pop('loss_scaler', None)
        state.pop('base_param_settings', None)  # of mmengine's wrapper, in older checkpoints
        # Where the step counters have to lie depends on the implementation that goes on.
        state['param_groups'] = [
            {**saved, **{key: mine[key] for key in ('fused', 'capturable') if key in mine}}
            for saved, mine in zip(state['param_groups'], settings, strict=True)]
        self.optimizer.load_state_dict(state)
        for group, mine in zip(self.param_groups, settings):
            group.pop('initial_lr', None)
            group.update(mine)
        if scale and self.scaler is not None:
            self.scaler.load_state_dict(scale)
