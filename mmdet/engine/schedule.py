"""The learning rate at every iteration, by the formulas of 2019.

A pure function of (config, epoch, iteration): nothing to save, nothing to
resume.
"""
import math
from typing import Callable

from mmdet.utils import check_keys, nearest
from mmdet.utils.errors import BadKey


def _step(base, at, end, *, step, gamma=0.1):
    if isinstance(step, int):
        return base * gamma**(at // step)
    return base * gamma**sum(at >= s for s in step)


def _exp(base, at, end, *, gamma):
    return base * gamma**at


def _poly(base, at, end, *, power=1., min_lr=0.):
    return (base - min_lr) * (1 - at / end)**power + min_lr


def _inv(base, at, end, *, gamma, power=1.):
    return base * (1 + gamma * at)**-power


def _cosine(base, at, end, *, target_lr=0.):
    return target_lr + 0.5 * (base - target_lr) * (
        1 + math.cos(math.pi * at / end))


def _fixed(base, at, end):
    return base


POLICIES: dict[str, Callable] = dict(
    step=_step, exp=_exp, poly=_poly, inv=_inv, cosine=_cosine, fixed=_fixed)
WARMUPS = ('constant', 'linear', 'exp')
_COMMON = ('policy', 'by_epoch', 'warmup', 'warmup_iters', 'warmup_ratio')


class Schedule:
    """``lr_config`` as a function.

    Args:
        lr_config: ``policy`` and its arguments, ``by_epoch`` (True),
            ``warmup`` (constant, linear, exp or None), ``warmup_iters`` (0),
            ``warmup_ratio`` (0.1).
        max_epochs: epochs of the run.
        max_iters: iterations of the run.

    Raises:
        KeyError: unknown policy or warmup, naming the nearest.
        TypeError: an argument the policy lacks, or one missing.
    """

    def __init__(self, lr_config: dict, max_epochs: int,
                 max_iters: int) -> None:
        cfg = dict(lr_config)
        self.by_epoch = cfg.pop('by_epoch', True)
        self.warmup = cfg.pop('warmup', None)
        self.warmup_iters = cfg.pop('warmup_iters', 0)
        self.warmup_ratio = cfg.pop('warmup_ratio', 0.1)
        name = cfg.pop('policy', 'fixed')
        # mmcv also knew the policies by their class names.
        name = name.removesuffix('LrUpdaterHook').lower()
        if name not in POLICIES:
            raise BadKey(f'lr_config.policy "{name}" is unknown'
                           f'{nearest(name, POLICIES)}')
        if self.warmup is not None and self.warmup not in WARMUPS:
            raise BadKey(f'lr_config.warmup "{self.warmup}" is unknown'
                           f'{nearest(self.warmup, WARMUPS)}')
        self.policy = POLICIES[name]
        known = set(self.policy.__kwdefaults__ or ()) | set(
            self.policy.__code__.co_varnames[3:])
        check_keys(cfg, {*known, *_COMMON}, f'lr_config with policy "{name}"')
        self.args = cfg
        self.end = max_epochs if self.by_epoch else max_iters
        self(1., 0, 0)

    def __call__(self, base: float, epoch: int, iteration: int) -> float:
        """The rate at an iteration.

        Args:
            base: the optimiser's ``lr``.
            epoch: completed epochs.
            iteration: completed iterations of the whole run.
        """
        at = epoch if self.by_epoch else iteration
        regular = self.policy(base, at, self.end, **self.args)
        if self.warmup is None or iteration >= self.warmup_iters:
            return regular
        done = iteration / self.warmup_iters
        if self.warmup == 'constant':
            return regular * self.warmup_ratio
        if self.warmup == 'linear':
            return regular * (1 - (1 - done) * (1 - self.warmup_ratio))
        return regular * self.warmup_ratio**(1 - done)
