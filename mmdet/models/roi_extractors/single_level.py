"""Features of RoIs, each taken from one pyramid level."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdet import ops
from mmdet.core.host import true_indices
from mmdet.models.registry import ROI_EXTRACTORS
from mmdet.utils.errors import BadKey

ROI_LAYERS = {'RoIAlign': ops.RoIAlign, 'RoIPool': ops.RoIPool}


@ROI_EXTRACTORS.register_module
class SingleRoIExtractor(nn.Module):
    """Take every RoI from the level that fits its size.

    Args:
        roi_layer: ``dict(type='RoIAlign', out_size=7, sample_num=2)`` or
            ``type='RoIPool'``.
        out_channels: channels of the levels.
        featmap_strides: pixels a cell, level by level.
        finest_scale: RoIs smaller than twice this belong to level 0, and so on by octaves.

    Raises:
        KeyError: unknown ``type`` of RoI layer.
    """

    def __init__(self, roi_layer: dict, out_channels: int, featmap_strides: Sequence[int],
                 finest_scale: int = 56) -> None:
        super().__init__()
        cfg = dict(roi_layer)
        kind = cfg.pop('type')
        if kind not in ROI_LAYERS:
            raise BadKey(f'roi_layer has type {sorted(ROI_LAYERS)}, got "{kind}"')
        self.roi_layers = nn.ModuleList(
            ROI_LAYERS[kind](spatial_scale=1 / stride, **cfg) for stride in featmap_strides)
        self.out_channels = out_channels
        self.featmap_strides = featmap_strides
        self.finest_scale = finest_scale

    @property
    def num_inputs(self) -> int:
        """Number of levels."""
        return len(self.featmap_strides)

    def map_roi_levels(self, rois: Tensor) -> Tensor:
        """Level of every RoI: ``floor(log2(sqrt(area) / finest_scale))``, clamped.

        Args:
            rois: (R, 5) image index and inclusive xyxy.

        Returns:
            (R,) int64.
        """
        size = rois[:, 3:] - rois[:, 1:3] + 1
        scale = torch.sqrt(size[:, 0] * size[:, 1])
        levels = torch.floor(torch.log2(scale / self.finest_scale + 1e-6))
        return levels.clamp(min=0, max=self.num_inputs - 1).long()

    def forward(self, feats: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Pool RoIs.

        Args:
            feats: levels (N, C, H_l, W_l); those beyond ``num_inputs`` are not used.
            rois: (R, 5) image index and xyxy in network pixels.

        Returns:
            (R, C, out_size, out_size).
        """
        feats = feats[:self.num_inputs]
        if len(feats) == 1:
            return self.roi_layers[0](feats[0], rois)
        levels = self.map_roi_levels(rois)
        first = self.roi_layers[0]
        if isinstance(first, ops.RoIAlign):
            return ops.multi_level_roi_align(
                feats, rois, levels, first.out_size,
                [layer.spatial_scale for layer in self.roi_layers], first.sample_num)
        return self._pool_level_by_level(feats, rois, levels)

    def _pool_level_by_level(self, feats: Sequence[Tensor], rois: Tensor,
                             levels: Tensor) -> Tensor:
        inds = true_indices([levels == i for i in range(len(feats))])
        pooled = torch.cat([
            layer(feat, rois[i]) for layer, feat, i in zip(self.roi_layers, feats, inds)])
        return pooled[torch.cat(inds).argsort()]
