"""The loops: a training step from batch to update, and validation."""
import os
from typing import Any, Callable, Iterable

import numpy as np
import torch
import torch.distributed as dist
from mmengine.runner import EpochBasedTrainLoop
from mmengine.runner.base_loop import BaseLoop
from torch import Tensor

from mmdet.core.frames import FramePreprocessor
from mmdet.checkpoint import save_checkpoint

from .env import rank_and_world, set_random_seed

Batch = dict[str, list]


class NonFiniteLoss(RuntimeError):
    """A loss became NaN or infinite; the message names the frames."""


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Move every tensor of a batch (dict of lists, one entry an image)."""
    return {
        key: [v.to(device, non_blocking=True) if isinstance(v, Tensor) else v
              for v in values]
        for key, values in batch.items()
    }


def total_loss(losses: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
    """Sum what is named loss; as the 2019 code.

    Args:
        losses: 0-d tensors, or lists of them that are summed.

    Returns:
        The total with its graph, and every value detached, ``loss`` the total.
    """
    values = {
        key: sum(v.mean() for v in value)
        if isinstance(value, (list, tuple)) else value.mean()
        for key, value in losses.items()
    }
    total = sum(value for key, value in values.items() if 'loss' in key)
    return total, {k: v.detach() for k, v in values.items()} | {
        'loss': total.detach()
    }


def iteration_seed(seed: int, iteration: int, rank: int) -> int:
    """Seed of the generators of one step; resuming needs no saved state."""
    return int(np.random.SeedSequence([seed, iteration, rank]).generate_state(1)[0])


class TrainLoop(EpochBasedTrainLoop):
    """Epochs of steps behind mmengine's hook calls.

    Args:
        runner: the :class:`~mmdet.apis.runner.TrainRunner`.
        dataloader: batches as dicts of lists; ``dataloader.sampler`` has
            ``set_epoch(epoch, start_iter)``.
        max_epochs: epochs of the whole run.
        val_interval: epochs between validations.

    Attributes:
        inner: steps done in the current epoch.
        stop: set by a hook to end after the current update.
    """

    def __init__(self, runner: Any, dataloader: Iterable[Batch],
                 max_epochs: int, val_interval: int = 1) -> None:
        # Not EpochBasedTrainLoop's own: it asks data sets for mmengine's metainfo.
        BaseLoop.__init__(self, runner, dataloader)
        self._max_epochs = max_epochs
        self._max_iters = max_epochs * len(dataloader)
        self._epoch = self._iter = 0
        self.val_begin, self.val_interval = 1, val_interval
        self.dynamic_milestones, self.dynamic_intervals = [0], [val_interval]
        self.stop_training = False
        dataset = dataloader.dataset
        self.preprocess = FramePreprocessor(
            **dataset.img_norm_cfg, size_divisor=dataset.size_divisor)
        self.inner = 0
        self.stop = False

    def run_epoch(self) -> None:
        """Train one epoch, or what is left of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        self.dataloader.sampler.set_epoch(self._epoch, self.inner)
        for batch in self.dataloader:
            self.run_iter(self.inner, batch)
            if self.stop:
                self.runner.call_hook('interrupted')
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
        self.inner = 0

    def run_iter(self, idx: int, data_batch: Batch) -> None:
        """One step: device, network input, losses, update."""
        runner, wrapper = self.runner, self.runner.optim_wrapper
        runner.call_hook('before_train_iter', batch_idx=idx,
                         data_batch=data_batch)
        set_random_seed(iteration_seed(runner.seed, self._iter, runner.rank))
        batch = to_device(data_batch, runner.device)
        with wrapper.optim_context(runner.model):
            losses = self.forward(batch)
        total, values = total_loss(losses)
        log = self.check(reduce_values(values), data_batch)
        wrapper.update_params(total)
        self._iter += 1
        self.inner += 1
        runner.call_hook('after_train_iter', batch_idx=idx,
                         data_batch=data_batch, outputs=log)

    def forward(self, batch: Batch) -> dict[str, Any]:
        """The detector's losses of a batch on the device."""
        frames = {
            key: self.preprocess(batch[key]).contiguous(
                memory_format=self.runner.memory_format)
            for key in ('img', 'ref_img') if key in batch
        }
        rest = {k: v for k, v in batch.items() if k not in frames}
        return self.runner.model(return_loss=True, **frames, **rest)

    def check(self, log: dict[str, float], batch: Batch) -> dict[str, float]:
        """Stop on a non-finite loss; batch and weights are kept for replay.

        Raises:
            NonFiniteLoss: names iteration, losses and frames.
        """
        wrong = {k: v for k, v in log.items()
                 if 'loss' in k and not np.isfinite(v)}
        if not wrong:
            return log
        path = os.path.join(
            self.runner.work_dir,
            f'nonfinite_iter_{self._iter + 1}_rank_{self.runner.rank}.pth')
        save_checkpoint(
            dict(batch=batch, losses=log, iteration=self._iter,
                 seed=self.runner.seed,
                 state_dict=self.runner.bare_model.state_dict()), path)
        frames = [meta.get('filename') for meta in batch['img_meta']]
        said = ', '.join(f'{k} is {v}' for k, v in wrong.items())
        raise NonFiniteLoss(
            f'iteration {self._iter + 1}: {said} for frames {frames}; check '
            'their annotations, lower the learning rate or clip gradients; '
            f'batch and weights are in {path}')


def reduce_values(values: dict[str, Tensor]) -> dict[str, float]:
    """Means over the ranks, with one transfer from the device of ``loss``."""
    device = values['loss'].device
    stacked = torch.stack([v.float().to(device) for v in values.values()])
    _, world = rank_and_world()
    if world > 1:
        dist.all_reduce(stacked)
        stacked /= world
    return dict(zip(values, stacked.tolist()))


class EvalLoop(BaseLoop):
    """Validation between epochs.

    Args:
        runner: the runner.
        dataset: the validation set, ``test_mode=True``.
        evaluate: ``(model, dataset, device, logger) -> {type: {metric: value}}``,
            called on every rank.
    """

    def __init__(self, runner: Any, dataset: Any, evaluate: Callable) -> None:
        super().__init__(runner, dataset)
        self.evaluate = evaluate

    def run(self) -> dict[str, float]:
        """Score the current weights (the averaged ones with ``ema``).

        Returns:
            ``{'segm_AP': ..., 'segm_AP50': ...}``.
        """
        runner = self.runner
        runner.call_hook('before_val')
        runner.call_hook('before_val_epoch')
        if runner.distributed:
            # Running statistics moved apart in the last step; rank 0's count.
            for buffer in runner.bare_model.buffers():
                dist.broadcast(buffer, 0)
        scores = self.evaluate(runner.bare_model, self.dataloader,
                               runner.device, runner.logger)
        metrics = {f'{kind}_{name}': value for kind, values in scores.items()
                   for name, value in values.items()}
        runner.call_hook('after_val_epoch', metrics=metrics)
        runner.call_hook('after_val')
        return metrics
