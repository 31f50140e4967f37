"""mmengine's Runner for detectors that are plain modules."""
import logging
import os
import time
from typing import Any, Optional

import mmengine
import torch
import torch.distributed as dist
from mmengine.runner import Runner
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import mmdet
from mmdet.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
from mmdet.utils import atomic_write

from .checkpoint_hook import CheckpointHook
from .env import environment_text, set_random_seed, this_device


class TrainRunner(Runner):
    """Hooks, optimiser wrapper and back ends are mmengine's; the model may be
    any module, checkpoints are written whole and read safely.

    Args:
        model: the detector.
        logger: where everything is said.
        resume_from: checkpoint to go on from.
        load_from: weights to start from.
        allow_partial: accept any difference of ``load_from``.
        **kwargs: for mmengine's Runner.
    """

    def __init__(self, model: nn.Module, logger: logging.Logger,
                 resume_from: Optional[str] = None,
                 load_from: Optional[str] = None,
                 allow_partial: bool = False, **kwargs: Any) -> None:
        self._root_logger = logger
        self.device = this_device()
        self._config_text = kwargs['cfg'].pretty_text
        self.allow_partial = allow_partial
        self.memory_format = (
            torch.channels_last if kwargs['cfg'].get('channels_last')
            else torch.contiguous_format)
        super().__init__(model=model, load_from=resume_from or load_from,
                         resume=bool(resume_from), **kwargs)
        # mmengine wants a folder of its own for logs; ours lie in work_dir.
        if self._rank == 0:
            os.rmdir(self._log_dir)
        self._log_dir = self._work_dir

    @property
    def bare_model(self) -> nn.Module:
        """The detector without its DDP wrapper."""
        return getattr(self.model, 'module', self.model)

    # What mmengine calls while it builds itself.

    def build_logger(self, *args: Any, **kwargs: Any) -> logging.Logger:
        return self._root_logger

    def set_randomness(self, seed: int, deterministic: bool = False,
                       **kwargs: Any) -> None:
        self._seed, self._deterministic = seed, deterministic
        set_random_seed(seed, deterministic)

    def _log_env(self, env_cfg: dict) -> None:
        self.logger.info(f'Environment:\n{environment_text()}')
        self.logger.info(f'Config:\n{self._config_text}',
                         extra=dict(file_only=True))

    def get_hooks_info(self) -> str:
        return ', '.join(type(hook).__name__ for hook in self.hooks)

    def wrap_model(self, model_wrapper_cfg: Optional[dict],
                   model: nn.Module) -> nn.Module:
        model = model.to(self.device)
        if not self.distributed:
            return model
        return DistributedDataParallel(
            model, device_ids=[self.device.index] if self.device.type == 'cuda'
            else None, find_unused_parameters=self.cfg.get(
                'find_unused_parameters', False))

    # The run.

    def train(self) -> nn.Module:
        """Train to the end; returns the model."""
        self._train_loop = self.build_train_loop(self._train_loop)
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        self.call_hook('before_run')
        self.load_or_resume()
        self.optim_wrapper.initialize_count_status(
            self.model, self.iter, self.max_iters)
        try:
            self.train_loop.run()
        finally:
            self.call_hook('after_run')
        return self.model

    def load_or_resume(self) -> None:
        """Start from nothing, from weights, or where a checkpoint left off."""
        if self._load_from is None:
            return
        if self._resume:
            self.resume(self._load_from)
        else:
            load_checkpoint(self.bare_model, self._load_from,
                            logger=self.logger,
                            allow_partial=self.allow_partial)
            self.call_hook('after_load_checkpoint', checkpoint=dict(
                state_dict=self.bare_model.state_dict()))

    def resume(self, filename: str, **kwargs: Any) -> None:
        """Go on from a checkpoint as if never interrupted.

        Raises:
            ValueError: it lacks the optimiser or does not fit the model.
        """
        checkpoint = read_checkpoint(filename)
        meta = checkpoint.get('meta') or {}
        if 'optimizer' not in checkpoint or 'epoch' not in meta:
            raise ValueError(f'{filename}: has weights, but no optimiser state '
                             'to resume; start from it with --load_from')
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        try:
            self.bare_model.load_state_dict(checkpoint['state_dict'])
            self.optim_wrapper.load_state_dict(checkpoint['optimizer'])
        except (RuntimeError, ValueError) as error:
            raise ValueError(f'{filename}: is of another model or optimiser than the config '
                             f'({" ".join(str(error).split())[:300]}); resume with the config it '
                             'was trained with') from None
        for name, gradient in checkpoint.get('gradients', {}).items():
            self.bare_model.get_parameter(name).grad = gradient.to(self.device)
        loop = self.train_loop
        loop._epoch, loop._iter = meta['epoch'], meta['iter']
        loop.inner = meta.get('inner', 0)
        if meta.get('seed', self.seed) != self.seed:
            self.logger.warning(f'the run began with seed {meta["seed"]}, it '
                                f'goes on with {self.seed}')
        self.logger.info(f'resumed {filename}: {loop._epoch} epochs and '
                         f'{loop.inner} iterations are done')

    # Checkpoints.

    def write_checkpoint(self, path: str, epoch: int,
                         save_optimizer: bool = True, **meta: Any) -> None:
        """Write everything a run needs to go on.

        Args:
            path: written whole or not at all, by rank 0.
            epoch: finished epochs.
            save_optimizer: without it the file holds only weights.
            **meta: more entries of ``meta``.
        """
        gradients = self.pending_gradients()
        if self.rank != 0:
            return
        dataset = self.train_dataloader.dataset
        inner = self.train_loop.inner if epoch == self.epoch else 0
        checkpoint = dict(
            meta=dict(epoch=epoch, iter=self.iter, inner=inner, seed=self.seed,
                      time=time.asctime(), config=self._config_text,
                      CLASSES=list(dataset.CLASSES or []),
                      mmdet_version=mmdet.__version__,
                      mmengine_version=mmengine.__version__, **meta),
            state_dict=self.bare_model.state_dict())
        if save_optimizer:
            checkpoint['optimizer'] = self.optim_wrapper.state_dict()
            checkpoint['gradients'] = gradients
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        try:
            save_checkpoint(checkpoint, path)
        except OSError as error:
            raise OSError(f'{path}: cannot be written ({error.strerror}); '
                          'earlier checkpoints are untouched, make room and '
                          'go on with --auto-resume') from error
        self.logger.info(f'saved {path}')

    def pending_gradients(self) -> dict[str, torch.Tensor]:
        """With accumulation: what the next update will use, by parameter, mean of all ranks."""
        if self.optim_wrapper.should_update():
            return {}
        gradients = {name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
                     for name, p in self.bare_model.named_parameters() if p.requires_grad}
        if self.distributed:
            for gradient in gradients.values():
                dist.all_reduce(gradient)
                gradient /= self.world_size
        return gradients

    def save_now(self) -> str:
        """A checkpoint inside an epoch; returns its path."""
        hook = next(h for h in self.hooks if isinstance(h, CheckpointHook))
        return hook.save(self, f'iter_{self.iter}.pth', self.epoch)

    def dump_config(self) -> None:
        """Write the config as used to ``work_dir``."""
        if self.rank == 0:
            name = os.path.basename(self.cfg.filename or 'config.py')
            with atomic_write(os.path.join(self.work_dir, name), 'w') as file:
                file.write(self._config_text)
