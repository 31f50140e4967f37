"""What to try next in a search, by the scores so far: optuna's tree-structured Parzen estimator."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmdet.engine.search_space import Axis, fitting
from mmdet.utils.errors import MissingPackage


def check_installed() -> None:
    """ImportError if optuna is not there."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise MissingPackage(f'--sampler tpe needs the package optuna: pip install optuna ({error})'
                             ) from None


def guess_better(axes: Sequence[Axis], tried: Sequence[tuple[dict[str, Any], float]],
                 seed: Sequence[int]) -> dict[str, Any]:
    """A setting that may score more than those that were tried; the same one for the same ones.

    The first ten are drawn at random, as are later ones where chance says so.

    Args:
        axes: what is varied.
        tried: settings with their scores.
        seed: of the random numbers, from 0 up.

    Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011.
    """
    import optuna  # takes a second, and only this needs it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space: dict[str, Any] = {
        axis.key: optuna.distributions.CategoricalDistribution(axis.choices) if axis.choices
        else optuna.distributions.FloatDistribution(axis.low, axis.high) for axis in axes}
    number = np.random.SeedSequence([*seed, len(tried)]).generate_state(1)
    study = optuna.create_study(direction='maximize',
                                sampler=optuna.samplers.TPESampler(seed=int(number[0])))
    study.add_trials([
        optuna.create_trial(params=settings, distributions={key: space[key] for key in settings},
                            value=score)
        for settings, score in tried])
    found = study.ask(space).params
    return fitting({axis.key: found[axis.key] if axis.choices else
                    min(max(round(found[axis.key], 4), axis.low), axis.high) for axis in axes})
