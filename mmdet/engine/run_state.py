"""Everything a run is, as a checkpoint and back."""
import time
from typing import Any

import mmengine
import torch
import torch.distributed as dist
from torch import Tensor

import mmdet
from mmdet.checkpoint import read_checkpoint
from mmdet.utils.errors import BadValue


def capture(trainer: Any, **meta: Any) -> dict[str, Any]:
    """A checkpoint of a :class:`~mmdet.engine.trainer.Trainer`; asked of all ranks.

    Args:
        trainer: the run.
        **meta: more entries of ``meta``.

    Returns:
        ``meta``, ``state_dict``, and to go on ``optimizer`` and ``gradients``.
    """
    gradients = _pending_gradients(trainer)
    checkpoint = dict(
        meta=dict(epoch=trainer.epoch, iter=trainer.iter, inner=trainer.inner, seed=trainer.seed,
                  time=time.asctime(), config=trainer.cfg.pretty_text,
                  CLASSES=list(trainer.train_dataloader.dataset.CLASSES or []),
                  mmdet_version=mmdet.__version__, mmengine_version=mmengine.__version__, **meta),
        state_dict=trainer.bare_model.state_dict())
    if trainer.checkpoints.save_optimizer:
        checkpoint.update(optimizer=trainer.updater.state_dict(), gradients=gradients)
    trainer.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    return checkpoint


def _pending_gradients(trainer: Any) -> dict[str, Tensor]:
    """With accumulation: what the next update will use, by parameter, mean of all ranks."""
    if trainer.updater.is_update(trainer.iter):
        return {}
    gradients = {name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
                 for name, p in trainer.bare_model.named_parameters() if p.requires_grad}
    if trainer.world_size > 1:
        for gradient in gradients.values():
            dist.all_reduce(gradient)
            gradient /= trainer.world_size
    return gradients


def restore(trainer: Any, filename: str) -> None:
    """Go on from a checkpoint as if never interrupted.

    Raises:
        ValueError: it lacks the optimiser or does not fit the model.
    """
    checkpoint = read_checkpoint(filename)
    meta = checkpoint.get('meta') or {}
    if 'optimizer' not in checkpoint or 'epoch' not in meta:
        raise BadValue(f'{filename}: has weights, but no optimiser state '
                         'to resume; start from it with --load_from')
    trainer.resuming = True
    trainer.call_hook('after_load_checkpoint', checkpoint=checkpoint)
    try:
        trainer.bare_model.load_state_dict(checkpoint['state_dict'])
        trainer.updater.load_state_dict(checkpoint['optimizer'])
    except (RuntimeError, ValueError) as error:
        raise BadValue(f'{filename}: is of another model or optimiser than the config '
                         f'({" ".join(str(error).split())[:300]}); resume with the config it '
                         'was trained with') from None
    for name, gradient in checkpoint.get('gradients', {}).items():
        trainer.bare_model.get_parameter(name).grad = gradient.to(trainer.device)
    trainer.epoch, trainer.iter = meta['epoch'], meta['iter']
    trainer.inner, trainer.updater.count = meta.get('inner', 0), meta['iter']
    if meta.get('seed', trainer.seed) != trainer.seed:
        trainer.logger.warning(
            f'the run began with seed {meta["seed"]}, it goes on with {trainer.seed}')
    trainer.checkpoints.recall_best()
    trainer.logger.info(f'resumed {filename}: {trainer.epoch} epochs and {trainer.inner} '
                        'iterations are done')
