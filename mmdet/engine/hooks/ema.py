"""Averaged weights."""
from typing import Any

import torch
from mmengine.hooks import Hook
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mmdet.utils.errors import BadValue


class EmaHook(Hook):
    """Keep an exponential moving average of the weights; it is what is scored and saved.

    In a checkpoint ``state_dict`` is the average and ``ema_state_dict`` the weights that
    train on, as mmengine writes them.

    Args:
        momentum: share of the new weights in the average after each update.
        interval: updates between two of the average.
        begin_iter, begin_epoch: the average is a copy until then.
    """
    priority = 'NORMAL'

    def __init__(self, momentum: float = 0.0002, interval: int = 1, begin_iter: int = 0,
                 begin_epoch: int = 0) -> None:
        if not 0 < momentum < 1:
            raise BadValue(f'ema.momentum must lie between 0 and 1, got {momentum!r}')
        self.mix = get_ema_multi_avg_fn(1 - momentum)
        self.interval, self.begin_iter, self.begin_epoch = interval, begin_iter, begin_epoch
        self.average: dict[str, torch.Tensor] = {}
        self.steps = 0

    def before_run(self, runner: Any) -> None:
        self.average = {name: p.detach().clone()
                        for name, p in runner.bare_model.named_parameters()}

    @torch.no_grad()
    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Move the averages towards the weights, once an update and in place."""
        if not runner.updater.is_update(runner.iter):
            return
        averages = list(self.average.values())
        current = list(runner.bare_model.parameters())
        began = runner.iter > self.begin_iter and runner.epoch >= self.begin_epoch
        if not began or self.steps == 0:
            for average, p in zip(averages, current):
                average.copy_(p)
        elif self.steps % self.interval == 0:
            self.mix(averages, current, None)
        self.steps += began

    @torch.no_grad()
    def _swap(self, runner: Any) -> None:
        for name, p in runner.bare_model.named_parameters():
            p.data, self.average[name] = self.average[name], p.data

    def before_val_epoch(self, runner: Any) -> None:
        self._swap(runner)

    def after_val_epoch(self, runner: Any, metrics: dict | None = None) -> None:
        self._swap(runner)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        state = checkpoint['state_dict']
        raw = {f'module.{key}': value for key, value in state.items()}
        checkpoint['ema_state_dict'] = dict(raw, steps=torch.tensor(self.steps))
        checkpoint['state_dict'] = {**state, **self.average}

    def after_load_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        state, ema = checkpoint['state_dict'], checkpoint.get('ema_state_dict')
        for name, value in self.average.items():
            if name in state and state[name].shape == value.shape:
                value.copy_(state[name])
        if ema and runner.resuming:
            checkpoint['state_dict'] = {key: ema.get(f'module.{key}', value)
                                        for key, value in state.items()}
            self.steps = int(ema.get('steps', ema.get('n_averaged', 0)))
