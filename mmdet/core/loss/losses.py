"""Losses as functions of tensors. All return float tensors attached to the graph."""
import torch
from torch import Tensor
from torch.nn import functional as F


def smooth_l1(pred: Tensor, target: Tensor, beta: float = 1.0) -> Tensor:
    """Elementwise smooth L1: ``x^2 / (2 beta)`` below beta, ``|x| - beta / 2`` above."""
    return F.smooth_l1_loss(pred, target, reduction='none', beta=beta)


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None,
                           avg_factor: float | None = None) -> Tensor:
    """Softmax cross entropy, summed with weights and divided.

    Args:
        logits: (n, C).
        labels: (n,) int64.
        weights: (n,), all 1 by default.
        avg_factor: divisor; the number of positive weights (at least 1) by default.

    Returns:
        0-d; 0 for n = 0.
    """
    losses = F.cross_entropy(logits, labels, reduction='none')
    if weights is None:
        return losses.sum() / (avg_factor or max(len(labels), 1))
    total = (losses * weights).sum()
    return total / ((weights > 0).sum().clamp(min=1) if avg_factor is None else avg_factor)


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


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of rows whose largest logit is the label, in percent; 0 for no rows.

    Args:
        logits: (n, C).
        labels: (n,) int64.
    """
    hits = (logits.argmax(dim=1) == labels).sum()
    return hits * (100.0 / max(len(labels), 1))
