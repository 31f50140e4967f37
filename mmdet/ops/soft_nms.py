"""Soft-NMS (arXiv:1704.04503): overlapping boxes lose score instead of vanishing."""
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mmdet.ops import checks
from mmdet.ops.library import say_once

try:
    from mmdet.ops.soft_nms_loop import soft_nms as _loop
except ImportError:  # not built: no compiler or no Python headers
    from mmdet.ops.pure.soft_nms import soft_nms as _loop

Dets = TypeVar('Dets', Tensor, np.ndarray)
METHODS = ('linear', 'gaussian')


def soft_nms(dets: Dets, iou_thr: float, method: str = 'linear', sigma: float = 0.5,
             min_score: float = 1e-3) -> tuple[Dets, Tensor | np.ndarray]:
    """Decay the scores of boxes that overlap a better one; drop those that fell low.

    Sequential, on the CPU in float32: a tensor of a GPU is moved there and back.

    Args:
        dets: (n, 5) floating point tensor or array: x1, y1, x2, y2, score.
        iou_thr: with ``linear``, an IoU above it multiplies the score by 1 - IoU.
        method: ``linear``, or ``gaussian``: times exp(-IoU^2 / sigma).
        sigma: width of the gaussian.
        min_score: a box that overlaps a better one goes when its score is lower.

    Returns:
        (k, 5) rows with their new scores and (k,) int64 indices into ``dets``,
        best score first, both of the type of ``dets``. Rows with NaN are never kept.

    Raises:
        ValueError, TypeError: ``dets`` is no floating point (n, 5), or the
            method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f'soft_nms: method must be one of {METHODS}, got {method!r}')
    if isinstance(dets, Tensor):
        checks.boxes('soft_nms', dets, 5)
        rows, inds = soft_nms(dets.detach().cpu().float().numpy(), iou_thr, method, sigma,
                              min_score)
        return dets.new_tensor(rows), dets.new_tensor(inds, dtype=torch.int64)
    if dets.ndim != 2 or dets.shape[1] != 5:
        raise ValueError(f'soft_nms: expected boxes (n, 5), got {dets.shape}')
    if _loop.__module__.endswith('pure.soft_nms'):
        say_once('mmdet.ops: soft_nms was not compiled; using the slower NumPy path '
                 '(run "bash compile.sh" to build it)')
    inds = np.flatnonzero(~np.isnan(dets).any(1)).astype(np.int64)
    rows = np.array(dets[inds], np.float32, order='C')
    count = _loop(rows, inds, iou_thr, method == 'gaussian', sigma, min_score)
    return rows[:count].astype(dets.dtype), inds[:count].copy()
