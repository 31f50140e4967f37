"""Losses of box deltas, float tensors attached to the graph; names and divisors as in 2019."""
from torch import Tensor
from torch.nn import functional as F


def smooth_l1_loss(pred: Tensor, target: Tensor, beta: float = 1.0,
                   reduction: str = 'mean') -> Tensor:
    """Smooth L1: ``x^2 / (2 beta)`` below beta, ``|x| - beta / 2`` above.

    Args:
        pred, target: of one shape.
        reduction: ``'none'``, ``'sum'`` or ``'mean'``.
    """
    return F.smooth_l1_loss(pred, target, reduction=reduction, beta=beta)


def weighted_smoothl1(pred: Tensor, target: Tensor, weights: Tensor, beta: float = 1.0,
                      avg_factor: Tensor | float | None = None) -> Tensor:
    """:func:`smooth_l1_loss` summed with weights and divided.

    Args:
        pred, target, weights: (n, 4).
        avg_factor: divisor; the number of rows with a positive weight by default.

    Returns:
        0-d.
    """
    if avg_factor is None:
        avg_factor = (weights > 0).sum() / 4 + 1e-6
    return (smooth_l1_loss(pred, target, beta, 'none') * weights).sum() / avg_factor
