"""How sure a number is, given that other videos could have been tested.

Source: the bootstrap, resampling whole videos: results of a video depend on each other.
"""
import numpy as np

LEVEL = 0.95


def draw(videos: int, samples: int, seed: int) -> np.ndarray:
    """How often each video is in each sample: (samples, videos) int64.

    Each sample has as many videos as there are, drawn with replacement.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(videos, np.full(videos, 1 / videos), size=samples)


def centred(values: np.ndarray, number: float) -> np.ndarray:
    """Samples (B,) moved so that their mean is ``number``, those that are NaN left out.

    AP of a sample is higher by some: classes drop out of the mean, and a curve takes the best
    precision ahead of many a ragged one. The scatter is what is asked for.
    """
    values = values[~np.isnan(values)]
    return values - values.mean() + number if len(values) else values


def interval(values: np.ndarray, number: float, low: float = 0) -> list[float] | None:
    """The middle ``LEVEL`` of samples (B,) of a number, as [low, high]; None without any.

    Args:
        values: samples in percent.
        number: of all videos.
        low: no end is lower.
    """
    moved = centred(values, number)
    if not len(moved) or number != number:
        return None
    ends = np.quantile(moved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return np.clip(ends, low, 100).tolist()
