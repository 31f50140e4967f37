"""Where the host has to wait for the device: once for many tensors, not once for each."""
from collections.abc import Sequence

import torch
from torch import Tensor


def true_indices(masks: Sequence[Tensor]) -> list[Tensor]:
    """Where masks are true; the host waits once for all of them.

    Args:
        masks: bool tensors (n_i,) on one device.

    Returns:
        int64 tensors, rising indices.
    """
    if not masks or masks[0].is_cpu:
        return [mask.nonzero().squeeze(1) for mask in masks]
    counts = torch.stack([mask.sum() for mask in masks]).tolist()
    return [first_true(mask, count) for mask, count in zip(masks, counts)]


def first_true(mask: Tensor, count: int) -> Tensor:
    """The first ``count`` indices where a mask (n,) is true, without asking how many there are."""
    return mask.byte().argsort(descending=True, stable=True)[:count]


def rank_in_group(groups: Tensor) -> Tensor:
    """How many earlier entries are of the same group.

    Args:
        groups: (n,) integers.

    Returns:
        (n,) int64.
    """
    ordered, order = groups.sort(stable=True)
    place = torch.arange(len(groups), device=groups.device)
    return (place - torch.searchsorted(ordered, ordered))[order.argsort()]


def split_groups(rows: Tensor, groups: Tensor, num: int) -> list[Tensor]:
    """The rows of each group, in their order; with several groups the host waits.

    Args:
        rows: (n, ...).
        groups: (n,) integers in [0, num).
        num: number of groups.
    """
    if num == 1:
        return [rows]
    counts = (groups == torch.arange(num, device=groups.device)[:, None]).sum(1).tolist()
    return list(rows[groups.argsort(stable=True)].split(counts))
