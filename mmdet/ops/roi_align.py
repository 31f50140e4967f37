"""RoIAlign with the conventions of 2019: inclusive box ends, no half-pixel shift."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from mmdet.ops import checks, library
from mmdet.ops.pure import roi_align as pure


def roi_align(features: Tensor, rois: Tensor, out_size: int | tuple[int, int],
              spatial_scale: float, sample_num: int = 0) -> Tensor:
    """Average bilinear samples of the features in every bin of every RoI.

    A box ends at ``(x2 + 1) * spatial_scale``; its size is clamped at 0 from
    below. Points further than a pixel outside the features count as 0, as do
    RoIs with NaN. torchvision and mmcv use other conventions. A GPU adds up gradients
    in any order, under ``torch.use_deterministic_algorithms(True)`` in that of the RoIs.

    Args:
        features: (N, C, H, W) floating point.
        rois: (R, 5) floating point: image index, x1, y1, x2, y2 in input pixels.
        out_size: bins per RoI, one number or (height, width).
        spatial_scale: feature pixels per input pixel, e.g. 1 / 16.
        sample_num: points a bin side; 0 takes one per feature pixel.

    Returns:
        (R, C, out_height, out_width) of the dtype of ``features``,
        differentiable in ``features`` only.

    Raises:
        ValueError, TypeError: shapes, dtypes or devices do not fit. An image index
            without an image: ValueError on the CPU. A GPU is not stopped to look: there
            the RoI pools NaN and gets no gradient.

    Source: arXiv:1703.06870 section 3; conventions as the 2019 code.
    """
    checks.features('roi_align', features)
    checks.rois('roi_align', rois, features)
    size = checks.out_size('roi_align', out_size)
    if library.compiled(features):
        return torch.ops.mmdet.roi_align([features], rois, None, *size, [float(spatial_scale)],
                                         int(sample_num))
    return pure.roi_align(features, rois, size, spatial_scale, sample_num)


def multi_level_roi_align(feats: Sequence[Tensor], rois: Tensor, levels: Tensor,
                          out_size: int | tuple[int, int],
                          spatial_scales: Sequence[float],
                          sample_num: int = 0) -> Tensor:
    """``roi_align`` where every RoI reads the pyramid level it is told.

    Args:
        feats: L maps (N, C, Hl, Wl) of one dtype.
        rois: (R, 5) image index, x1, y1, x2, y2 in input pixels.
        levels: (R,) int64 in [0, L).
        out_size: bins per RoI, one number or (height, width).
        spatial_scales: L numbers, feature pixels per input pixel.
        sample_num: points a bin side; 0 takes one per feature pixel.

    Returns:
        (R, C, out_height, out_width), rows in the order of ``rois``.

    Raises:
        ValueError, TypeError: shapes, dtypes or devices do not fit. An image index or
            level that does not exist: ValueError on the CPU, on a GPU as ``roi_align``.
    """
    feats = tuple(feats)
    checks.pyramid('multi_level_roi_align', feats, spatial_scales)
    checks.rois('multi_level_roi_align', rois, feats[0])
    checks.index('multi_level_roi_align', 'levels', levels, rois)
    size = checks.out_size('multi_level_roi_align', out_size)
    if library.compiled(rois):
        scales = [float(scale) for scale in spatial_scales]
        return torch.ops.mmdet.roi_align(feats, rois, levels.long(), *size, scales,
                                         int(sample_num))
    return pure.multi_level_roi_align(feats, rois, levels, size, tuple(spatial_scales), sample_num)


class RoIAlign(nn.Module):
    """``roi_align`` as a module; the arguments are those of the function."""

    def __init__(self, out_size: int | tuple[int, int], spatial_scale: float,
                 sample_num: int = 0) -> None:
        super().__init__()
        self.out_size = _pair(out_size)
        self.spatial_scale = float(spatial_scale)
        self.sample_num = int(sample_num)

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        return roi_align(features, rois, self.out_size, self.spatial_scale, self.sample_num)

    def extra_repr(self) -> str:
        return (f'out_size={self.out_size}, spatial_scale={self.spatial_scale}, '
                f'sample_num={self.sample_num}')
