"""Everything a run is, as a checkpoint and back."""
import time
from typing import Any

import mmengine
import torch
import torch.distributed as dist
from torch import Tensor

import mmdet
from mmdet.checkpoint import read_checkpoint
from mmdet.checkpoint.weights import check_weights
from mmdet.engine import resume
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
        meta=dict(epoch=trainer.epoch, iter=trainer.iter, inner=trainer.inner, **_settings(trainer),
                  time=time.asctime(), config=trainer.cfg.pretty_text,
                  CLASSES=list(trainer.train_dataloader.dataset.CLASSES or []),
                  mmdet_version=mmdet.__version__, mmengine_version=mmengine.__version__, **meta),
        state_dict=trainer.bare_model.state_dict())
    if trainer.checkpoints.save_optimizer:
        checkpoint.update(optimizer=trainer.updater.state_dict(), gradients=gradients)
    trainer.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    return checkpoint


def _settings(trainer: Any) -> dict[str, Any]:
    """What a resumed run compares with its config."""
    return dict(seed=trainer.seed, fp16=str(trainer.updater.dtype),
                optimizer=type(trainer.updater.optimizer).__name__,
                steps_per_epoch=len(trainer.train_dataloader))


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
    """Go on from a checkpoint as if never interrupted; :mod:`mmdet.engine.resume` has the rules.

    Raises:
        ValueError: it cannot be resumed, or does not fit the config.
    """
    checkpoint = read_checkpoint(filename)
    resume.check_resumable(checkpoint, filename)
    meta, gradients = checkpoint['meta'], checkpoint.get('gradients', {})
    resume.check_pending(gradients, trainer.updater.accumulation, meta['iter'], filename)
    steps = resume.resumed_iter(meta, len(trainer.train_dataloader), filename, trainer.logger)
    resume.say_changes(meta, _settings(trainer), ('seed', 'fp16'), trainer.logger)
    trainer.resuming = True
    try:
        check_weights(checkpoint['state_dict'], filename, trainer.bare_model.state_dict())
        trainer.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        trainer.bare_model.load_state_dict(checkpoint['state_dict'])
        resume.check_optimizer(checkpoint['optimizer'], meta.get('optimizer'),
                               trainer.updater.optimizer, filename)
        trainer.updater.load_state_dict(checkpoint['optimizer'])
        resume.set_gradients(trainer.bare_model, gradients)
    except BadValue:
        raise
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise BadValue(f'{filename}: is of another model or optimiser than the config '
                       f'({" ".join(str(error).split())[:300]}); resume with the config it '
                       'was trained with') from None
    trainer.epoch, trainer.iter = meta['epoch'], steps
    trainer.inner, trainer.updater.count = meta.get('inner', 0), steps
    trainer.checkpoints.recall_best()
    trainer.logger.info(f'resumed {filename}: {trainer.epoch} epochs and {trainer.inner} '
                        'iterations are done')
