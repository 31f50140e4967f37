"""Small helpers that heads written in 2019 call; nothing here needs them."""
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet.core.names_of_2019 import UTILS
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, _ = lazy_exports(__name__, {'mmcv.image': ['tensor2imgs']}, UTILS)


def multi_apply(func: Callable, *args: Sequence, **kwargs: Any) -> tuple[list, ...]:
    """Call a function image by image, or level by level, and sort what it returns.

    Args:
        func: returns a tuple.
        *args: sequences; the i-th call gets the i-th entry of each.
        **kwargs: the same for every call.

    Returns:
        as many lists as the tuple has entries, one value per call in each.
    """
    return tuple(map(list, zip(*(func(*entries, **kwargs) for entries in zip(*args)))))


def unmap(data: Tensor, count: int, inds: Tensor, fill: float = 0) -> Tensor:
    """Put rows back where they were taken from.

    Args:
        data: (n, ...) rows.
        count: how many rows there were.
        inds: (n,) int64 places, or (count,) bool or uint8 with n true ones.
        fill: the value of the other rows.

    Returns:
        (count, ...) of the dtype of ``data``.
    """
    if inds.dtype == torch.uint8:
        inds = inds.bool()
    whole = data.new_full((count, *data.shape[1:]), fill)
    whole[inds] = data
    return whole


def roi2bbox(rois: Tensor) -> list[Tensor]:
    """Boxes by image, the other way of :func:`mmdet.core.bbox2roi`.

    Args:
        rois: (n, 5): number of the image in the batch, x1, y1, x2, y2.

    Returns:
        one (n_i, 4) tensor for every image that has a box.
    """
    return [rois[rois[:, 0] == image, 1:] for image in rois[:, 0].unique(sorted=True)]
