"""Losses of class scores, float tensors attached to the graph; names and divisors as in 2019."""
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def weighted_nll_loss(log_p: Tensor, labels: Tensor, weights: Tensor | None = None,
                      avg_factor: Tensor | float | None = None) -> Tensor:
    """Negative log-likelihood, summed with weights and divided.

    Args:
        log_p: (n, C) log-probabilities.
        labels: (n,) int64.
        weights: (n,), all 1 by default.
        avg_factor: divisor; the number of positive weights (at least 1) by default.

    Returns:
        0-d; 0 for n = 0.
    """
    return _weighted(F.nll_loss(log_p, labels, reduction='none'), weights, avg_factor)


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None,
                           avg_factor: Tensor | float | None = None,
                           reduce: bool = True) -> Tensor:
    """Softmax cross entropy, see :func:`weighted_nll_loss`.

    Args:
        logits: (n, C).
        reduce: False: the (n,) losses, weighted and divided, not summed.
        others: see :func:`weighted_nll_loss`.
    """
    losses = F.cross_entropy(logits, labels, reduction='none')
    return _weighted(losses, weights, avg_factor, reduce)


def weighted_binary_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor,
                                  avg_factor: Tensor | float | None = None) -> Tensor:
    """Sigmoid cross entropy, summed with weights and divided.

    Args:
        logits: (n, C).
        labels: (n,) int64, 1 is the first column and 0 none; or (n, C) of 0 and 1.
        weights: (n,), or (n, C) with such labels.
        avg_factor: divisor; the number of positive weights of (n, C) by default, at least 1.

    Returns:
        0-d; 0 for n = 0.
    """
    if labels.dim() == 1:
        labels = one_hot(labels, logits.shape[1])
        weights = weights[:, None].expand_as(logits)
    losses = F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction='none')
    return _weighted(losses, weights, avg_factor)


def sigmoid_focal_loss(logits: Tensor, targets: Tensor, weights: Tensor | float = 1.0,
                       gamma: float = 2.0, alpha: float = 0.25,
                       reduction: str = 'mean') -> Tensor:
    """Binary cross entropy that easy examples hardly add to (arXiv:1708.02002).

    As in 2019 the gradient flows through the modulating factor too.

    Args:
        logits: (n, C).
        targets: (n, C) of 0 and 1.
        weights: broadcast to (n, C).
        gamma: how fast the loss fades with growing confidence.
        alpha: weight of the positives, against 1 - alpha of the negatives.
        reduction: ``'none'``, ``'sum'`` or ``'mean'``.

    Returns:
        0-d, or (n, C) for ``'none'``.
    """
    positive = (targets > 0).to(logits.dtype)
    against = logits * (1 - 2 * positive)  # the logit of the wrong answer
    share = positive * (2 * alpha - 1) + (1 - alpha)  # alpha, or 1 - alpha of a negative
    losses = weights * share * against.sigmoid().pow(gamma) * F.softplus(against)
    if reduction == 'none':
        return losses
    return losses.sum() if reduction == 'sum' else losses.mean()


def weighted_sigmoid_focal_loss(logits: Tensor, targets: Tensor, weights: Tensor,
                                gamma: float = 2.0, alpha: float = 0.25,
                                avg_factor: Tensor | float | None = None,
                                num_classes: int = 80) -> Tensor:
    """:func:`sigmoid_focal_loss` summed and divided.

    Args:
        avg_factor: divisor; by default, as in 2019, the number of positive weights over
            ``num_classes``.
        others: see :func:`sigmoid_focal_loss`.

    Returns:
        0-d.
    """
    if avg_factor is None:
        avg_factor = (weights > 0).sum() / num_classes + 1e-6
    return sigmoid_focal_loss(logits, targets, weights, gamma, alpha, 'sum') / avg_factor


def mask_cross_entropy(logits: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy of the mask of the true class, averaged over pixels.

    Args:
        logits: (n, C, h, w).
        targets: (n, h, w) of 0 and 1.
        labels: (n,) int64, the channel that counts.

    Returns:
        0-d; 0 for n = 0.
    """
    picked = logits[torch.arange(len(labels), device=labels.device), labels]
    if picked.numel() == 0:
        return logits.sum() * 0
    return F.binary_cross_entropy_with_logits(picked, targets)


def accuracy(logits: Tensor, labels: Tensor,
             topk: int | Sequence[int] = 1) -> Tensor | list[Tensor]:
    """Share of rows with the label among the largest logits, in percent; 0 for no rows.

    Args:
        logits: (n, C).
        labels: (n,) int64.
        topk: among how many; several give a list.
    """
    if topk == 1:
        hits = (logits.argmax(dim=1) == labels).sum()
        return hits * (100.0 / max(len(labels), 1))
    if isinstance(topk, int):
        return accuracy(logits, labels, (topk,))[0]
    ranked = logits.topk(max(topk), dim=1)[1] == labels[:, None]
    return [ranked[:, :k].sum() * (100.0 / max(len(labels), 1)) for k in topk]


def one_hot(labels: Tensor, num: int) -> Tensor:
    """(n,) labels -> (n, num) bool: label 1 is column 0, label 0 (background) is none."""
    return labels[:, None] == torch.arange(1, num + 1, device=labels.device)


def _weighted(losses: Tensor, weights: Tensor | None, avg_factor: Tensor | float | None,
              reduce: bool = True) -> Tensor:
    if avg_factor is None:
        avg_factor = (max(len(losses), 1) if weights is None else
                      (weights > 0).sum().clamp(min=1))
    losses = losses if weights is None else losses * weights
    return (losses.sum() if reduce else losses) / avg_factor
