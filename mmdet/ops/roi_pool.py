"""RoI max pooling (arXiv:1504.08083) with inclusive box ends, as the 2019 code."""
import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from mmdet.ops import checks, library
from mmdet.ops.pure import roi_pool as pure


def roi_pool(features: Tensor, rois: Tensor, out_size: int | tuple[int, int],
             spatial_scale: float) -> Tensor:
    """Maximum of the features in every bin of every RoI.

    Bins run from the floor of their start to the ceiling of their end, cut to
    the map; empty bins, and RoIs without area or with NaN, give 0.

    Args:
        features: (N, C, H, W) floating point.
        rois: (R, 5) image index, x1, y1, x2, y2 in input pixels.
        out_size: bins per RoI, one number or (height, width).
        spatial_scale: feature pixels per input pixel.

    Returns:
        (R, C, out_height, out_width), differentiable in ``features`` only.

    Raises:
        ValueError, TypeError: shapes, dtypes or devices do not fit. An image index
            without an image: ValueError on the CPU. A GPU is not stopped to look: there
            the RoI pools NaN and gets no gradient.
    """
    checks.features('roi_pool', features)
    checks.rois('roi_pool', rois, features)
    size = checks.out_size('roi_pool', out_size)
    if library.compiled(features):
        return torch.ops.mmdet.roi_pool(features, rois, *size, float(spatial_scale))[0]
    return pure.roi_pool(features, rois, size, spatial_scale)


class RoIPool(nn.Module):
    """``roi_pool`` as a module; the arguments are those of the function."""

    def __init__(self, out_size: int | tuple[int, int], spatial_scale: float) -> None:
        super().__init__()
        self.out_size = _pair(out_size)
        self.spatial_scale = float(spatial_scale)

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        return roi_pool(features, rois, self.out_size, self.spatial_scale)

    def extra_repr(self) -> str:
        return f'out_size={self.out_size}, spatial_scale={self.spatial_scale}'
