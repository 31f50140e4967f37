"""A training run, from top to bottom."""
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import get_priority
from torch import Tensor, nn

from mmdet.checkpoint import save_checkpoint
from mmdet.core.frames import FramePreprocessor
from mmdet.engine import run_state
from mmdet.engine.distribution import largest, rank_and_world
from mmdet.engine.environment import iteration_seed, set_random_seed
from mmdet.engine.faults import explain
from mmdet.engine.hooks import STOPPING, TrainingInterrupted
from mmdet.engine.last_update import LastUpdate
from mmdet.engine.run_checkpoints import CheckpointFolder
from mmdet.engine.updater import Updater
from mmdet.engine.validation import Validation
from mmdet.utils.errors import BadKey, CannotWrite, UserError, sentence, told_to_user

Batch = dict[str, list]


class NonFiniteLoss(UserError, RuntimeError):
    """A loss became NaN or infinite; the message names the frames."""


class Trainer:
    """Epochs of steps; :meth:`train` is the whole story.

    Hooks are called at the places and with the arguments of mmengine's runner.

    Args:
        model: the detector on its device, or its DDP wrapper.
        loader: batches as dicts of lists; ``loader.sampler`` has
            ``set_epoch(epoch, start_iter)``.
        preprocess: frames to network input.
        updater: from losses to new weights.
        checkpoints: where and when they are written.
        validation: what is scored between epochs, if anything.
        hooks: told of everything, in the order of their priority.
        cfg: ``total_epochs``, ``work_dir``, ``seed``, ``channels_last``.
        logger: hears everything.

    Attributes:
        epoch: finished epochs.
        iter: finished steps of the run.
        inner: finished steps of the epoch.
        signal_here: the signal that came to this process.
        stop_signal: the one that all processes stop for, after the current update.
    """

    def __init__(self, model: nn.Module, loader: Iterable[Batch], preprocess: FramePreprocessor,
                 updater: Updater, checkpoints: CheckpointFolder, validation: Validation | None,
                 hooks: Sequence[Hook], cfg: Config, logger: logging.Logger) -> None:
        self.model, self.train_dataloader, self.preprocess = model, loader, preprocess
        self.updater, self.checkpoints, self.validation = updater, checkpoints, validation
        self.hooks = sorted(hooks, key=lambda hook: get_priority(hook.priority))
        self.cfg, self.logger, self.seed = cfg, logger, cfg.seed
        self.work_dir, self.max_epochs = cfg.work_dir, cfg.total_epochs
        self.max_iters = self.max_epochs * len(loader)
        self.memory_format = (torch.channels_last if cfg.get('channels_last')
                              else torch.contiguous_format)
        self.device = next(model.parameters()).device
        self.rank, self.world_size = rank_and_world()
        self.epoch = self.iter = self.inner = 0
        self.signal_here: int | None = None
        self.stop_signal: int | None = None
        self.resuming = False
        self.last_update = LastUpdate(self)

    # The run.

    def train(self, resume_from: str | None = None) -> nn.Module:
        """Train to the end, from the start or from a checkpoint; returns the model.

        Raises:
            TrainingInterrupted: a signal came; everything is saved.
            Exception: whatever went wrong; what the last update left is saved.
            NonFiniteLoss: a loss became NaN or infinite.
            ValueError: the checkpoint cannot be resumed.
        """
        self.call_hook('before_run')
        if resume_from:
            run_state.restore(self, resume_from)
        self.call_hook('before_train')
        self.last_update.is_saved()
        try:
            if self.epoch >= self.max_epochs:
                self.logger.info(f'all {self.max_epochs} epochs are done, nothing is left to '
                                 'train; to go on, raise total_epochs')
            self.make_up_for_validation()
            while self.epoch < self.max_epochs:
                self.train_epoch()
                self.save_epoch()
                self.validate()
            self.call_hook('after_train')
        except TrainingInterrupted:
            raise
        except Exception as error:
            self.last_update.save()
            told = explain(error)
            raise told from (None if told is error else error)
        finally:
            self.call_hook('after_run')
        return self.model

    def train_epoch(self) -> None:
        """Train one epoch, or what is left of it."""
        self.model.train()
        self.last_update.begin_epoch()
        self.call_hook('before_train_epoch')
        self.train_dataloader.sampler.set_epoch(self.epoch, self.inner)
        for batch in self.train_dataloader:
            self.train_step(batch)
            if self.checkpoints.due_after_step(self.iter) or self.is_overdue():
                self.save(f'iter_{self.iter}.pth')
            if self.stop_signal and self.updater.is_update(self.iter):
                self.interrupt()
        self.call_hook('after_train_epoch')
        self.epoch, self.inner = self.epoch + 1, 0
        self.last_update.remember()

    def train_step(self, batch: Batch) -> None:
        """One step: device, network input, losses, gradients, update; the host waits once."""
        self.call_hook('before_train_iter', batch_idx=self.inner, data_batch=batch)
        set_random_seed(iteration_seed(self.seed, self.iter, self.rank))
        with self.updater.forward_context(self.model):
            losses = self.forward(to_device(batch, self.device))
        total, values = total_loss(losses)
        grad_norm = self.updater.backward(total)
        log = self.read(values, grad_norm)
        self.check(log, batch)
        self.update()
        self.call_hook('after_train_iter', batch_idx=self.inner - 1, data_batch=batch, outputs=log)

    def update(self) -> None:
        """New weights, if the gradients are complete; the step is done."""
        updates = self.updater.is_update(self.iter + 1)
        if updates:
            self.last_update.changing()
        self.updater.step()
        self.iter, self.inner = self.iter + 1, self.inner + 1
        if updates:
            self.last_update.remember()

    def forward(self, batch: Batch) -> dict[str, Any]:
        """The detector's losses of a batch on the device."""
        frames = {
            key: self.preprocess(batch[key]).contiguous(memory_format=self.memory_format)
            for key in ('img', 'ref_img') if key in batch}
        rest = {key: value for key, value in batch.items() if key not in frames}
        return self.model(return_loss=True, **frames, **rest)

    def read(self, values: dict[str, Tensor], grad_norm: Tensor | None) -> dict[str, float]:
        """Losses and gradient norm as numbers, means over the ranks; one wait for the device.

        In the same exchange the ranks agree on a signal that came to one of them.
        """
        if grad_norm is not None:
            values = dict(values, grad_norm=grad_norm)
        device = values['loss'].device
        signals = {f'signal {s}': torch.full((), float(self.signal_here == s), device=device)
                   for s in STOPPING if self.world_size > 1}
        stacked = torch.stack([v.float().to(device) for v in {**values, **signals}.values()])
        if self.world_size > 1:
            dist.all_reduce(stacked)
            stacked /= self.world_size
        numbers = stacked.tolist()
        came = [s for s, share in zip(STOPPING, numbers[len(values):]) if share]
        self.stop_signal = came[0] if came else None
        return dict(zip(values, numbers))

    def check(self, log: dict[str, float], batch: Batch) -> None:
        """Stop on a non-finite loss; batch and weights are kept for replay.

        Raises:
            NonFiniteLoss: names iteration, losses and frames.
        """
        wrong = {k: v for k, v in log.items() if 'loss' in k and not abs(v) < float('inf')}
        if not wrong:
            return
        path = os.path.join(self.work_dir, f'nonfinite_iter_{self.iter + 1}_rank_{self.rank}.pth')
        save_checkpoint(dict(batch=batch, losses=log, iteration=self.iter, seed=self.seed,
                             state_dict=self.bare_model.state_dict()), path)
        frames = [meta.get('filename') for meta in batch['img_meta']]
        said = ', '.join(f'{key} is {value}' for key, value in wrong.items())
        raise NonFiniteLoss(
            f'iteration {self.iter + 1}: {said} for frames {frames}; check their annotations, '
            f'lower the learning rate or clip gradients; batch and weights are in {path}')

    def is_overdue(self) -> bool:
        """Whether time asks for a checkpoint; the clock of rank 0 counts, at every tenth step."""
        if self.iter % 10:
            return False
        return bool(largest(self.rank == 0 and self.checkpoints.overdue(), self.device))

    # Between epochs.

    def save_epoch(self) -> None:
        """Write a checkpoint if one is due after this epoch."""
        if self.checkpoints.due_after_epoch(self.epoch, self.max_epochs):
            self.save(f'epoch_{self.epoch}.pth')

    def validate(self) -> None:
        """Score the weights (the averaged ones with ``ema``) if it is time, keep the best.

        A fault is told, and the training goes on.
        """
        if self.validation is None or not self.validation.is_due(self.epoch, self.max_epochs):
            return
        self.call_hook('before_val')
        self.call_hook('before_val_epoch')
        metrics = None  # stays so if this process is stopped here
        try:
            metrics = self.try_to_score()
        finally:
            self.call_hook('after_val_epoch', metrics=metrics)
        self.call_hook('after_val')
        self.keep_best(metrics)

    def try_to_score(self) -> dict[str, float]:
        """:meth:`score`; nothing, and an error in the log, if that fails."""
        try:
            return self.score()
        except Exception as error:
            known = told_to_user(error) is not None
            self.logger.error(f'validation after epoch {self.epoch} failed, training goes on: '
                              f'{sentence(error)}', exc_info=not known)
            return {}

    def keep_best(self, metrics: dict[str, float]) -> None:
        """Write ``best.pth`` if the scores are the best so far."""
        try:
            key = self.checkpoints.is_best(metrics)
            if key is None:
                return
            state = run_state.capture(self, best=metrics[key], metrics=dict(metrics))
            if self.rank == 0:
                path = self.checkpoints.write_best(state)
                self.logger.info(f'best {key} so far: {metrics[key]:.4f}, {path}')
        except (BadKey, CannotWrite) as error:
            self.logger.error(f'the best weights are not kept, training goes on: {error}')

    def score(self) -> dict[str, float]:
        """``{'segm_AP': ..., 'segm_AP50': ...}`` of the current weights."""
        if self.world_size > 1:
            # Running statistics moved apart in the last step; rank 0's count.
            for buffer in self.bare_model.buffers():
                dist.broadcast(buffer, 0)
        scores = self.validation.evaluate(self.bare_model, self.validation.dataset, self.device,
                                          self.logger)
        return {f'{kind}_{name}': value for kind, values in scores.items()
                for name, value in values.items()}

    def make_up_for_validation(self) -> None:
        """A run that was stopped between a checkpoint and its validation scores it now."""
        if self.validation is None or not self.epoch or self.inner:
            return
        if self.validation.is_missing(self.work_dir, self.epoch):
            self.validate()

    def interrupt(self) -> None:
        """Save and end the run after a signal."""
        path = self.save(f'iter_{self.iter}.pth')
        if self.world_size > 1:
            dist.barrier()  # a rank that leaves early has the others ended
        raise TrainingInterrupted(self.stop_signal, os.path.relpath(path))

    @property
    def bare_model(self) -> nn.Module:
        """The detector without its DDP wrapper."""
        return getattr(self.model, 'module', self.model)

    def save(self, name: str) -> str:
        """Write what the run needs to go on; by rank 0, asked of all."""
        state = run_state.capture(self)
        path = os.path.join(self.work_dir, name)
        if self.rank == 0:
            self.checkpoints.write(name, state)
            self.logger.info(f'saved {path}')
        self.last_update.is_saved()
        return path

    def call_hook(self, name: str, **kwargs: Any) -> None:
        """Tell every hook."""
        for hook in self.hooks:
            method = getattr(hook, name, None)
            if method is not None:
                method(self, **kwargs)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Move every tensor of a batch (dict of lists, one entry per image)."""
    return {key: [v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for v in values]
            for key, values in batch.items()}


def total_loss(losses: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
    """Sum what is named loss; as the 2019 code.

    Args:
        losses: 0-d tensors, or lists of them that are summed.

    Returns:
        The total with its graph, and every value detached, ``loss`` the total.
    """
    values = {
        key: sum(v.mean() for v in value) if isinstance(value, (list, tuple)) else value.mean()
        for key, value in losses.items()}
    total = sum(value for key, value in values.items() if 'loss' in key)
    return total, {k: v.detach() for k, v in values.items()} | {'loss': total.detach()}
