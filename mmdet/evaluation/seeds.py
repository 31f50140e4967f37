"""How sure a mean over a few trainings is, and a difference between two kinds of them."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.bootstrap import LEVEL
from mmdet.utils.errors import MissingPackage


class Mean(NamedTuple):
    """A mean over seeds."""
    mean: float
    interval: tuple[float, float] | None  # None: of a single seed


def mean_over_seeds(values: Sequence[float]) -> Mean:
    """The mean of (k,) values with its ``LEVEL`` interval, for paired differences too.

    Raises:
        ImportError: scipy is not installed.

    Source: Student 1908; the interval of the mean of normal values of unknown variance.
    """
    number = np.asarray(values, float)
    if len(number) < 2:
        return Mean(float(number.mean()), None)
    try:
        from scipy.special import stdtrit
    except ImportError:
        raise MissingPackage('intervals over seeds need the package scipy: pip install scipy'
                             ) from None
    half = float(stdtrit(len(number) - 1, (1 + LEVEL) / 2) * number.std(ddof=1)
                 / np.sqrt(len(number)))
    mean = float(number.mean())
    return Mean(mean, (mean - half, mean + half))
