"""Feature pyramid network (arXiv:1612.03144)."""
from typing import Sequence

from mmcv.cnn import ConvModule
from mmengine.model import xavier_init
from torch import Tensor, nn
from torch.nn import functional as F

from ..norm import norm_cfg
from ..registry import NECKS

from mmdet.utils.errors import BadValue


@NECKS.register_module
class FPN(nn.Module):
    """Top-down pathway with lateral connections.

    Args:
        in_channels: channels of every map of the backbone.
        out_channels: channels of every level.
        num_outs: levels returned; those beyond the backbone's are made by
            stride-2 max pooling, or convolutions with ``add_extra_convs``.
        start_level, end_level: the first map used and the one after the last
            (-1: to the end).
        add_extra_convs: make the additional levels with stride-2 convolutions on
            the last map of the backbone (RetinaNet).
        normalize: classic norm config of the convolutions.
        activation: e.g. ``'relu'``; None as in the paper.

    Raises:
        ValueError: fewer levels asked for than maps used.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, num_outs: int,
                 start_level: int = 0, end_level: int = -1, add_extra_convs: bool = False,
                 normalize: dict | None = None, activation: str | None = None) -> None:
        super().__init__()
        self.start_level = start_level
        self.end_level = len(in_channels) if end_level == -1 else end_level
        self.num_outs, self.add_extra_convs = num_outs, add_extra_convs
        self.in_channels = list(in_channels)
        used = self.in_channels[start_level:self.end_level]
        if num_outs < len(used):
            raise BadValue(f'FPN: num_outs={num_outs} is less than the {len(used)} maps used')
        act_cfg = None if activation is None else dict(type=activation.upper().replace(
            'RELU', 'ReLU'), inplace=False)
        common = dict(norm_cfg=norm_cfg(normalize), act_cfg=act_cfg)
        self.lateral_convs = nn.ModuleList(
            ConvModule(c, out_channels, 1, **common) for c in used)
        self.fpn_convs = nn.ModuleList(
            ConvModule(out_channels, out_channels, 3, padding=1, **common) for _ in used)
        if add_extra_convs:
            for i in range(num_outs - len(used)):
                self.fpn_convs.append(ConvModule(
                    used[-1] if i == 0 else out_channels, out_channels, 3, stride=2,
                    padding=1, **common))

    def init_weights(self) -> None:
        """Xavier weights, zero biases."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                xavier_init(module, distribution='uniform')

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Maps of the backbone -> ``num_outs`` levels (N, out_channels, H_l, W_l)."""
        if len(inputs) != len(self.in_channels):
            raise BadValue(f'FPN was built for {len(self.in_channels)} maps, got {len(inputs)}')
        laterals = [conv(inputs[i + self.start_level])
                    for i, conv in enumerate(self.lateral_convs)]
        for i in range(len(laterals) - 1, 0, -1):
            laterals[i - 1] = laterals[i - 1] + F.interpolate(
                laterals[i], size=laterals[i - 1].shape[-2:], mode='nearest')
        outs = [conv(x) for conv, x in zip(self.fpn_convs, laterals)]
        return tuple(outs + self._extra_levels(outs[-1], inputs[self.end_level - 1]))

    def _extra_levels(self, top: Tensor, last_map: Tensor) -> list[Tensor]:
        extra = []
        x = last_map if self.add_extra_convs else top
        for i in range(len(self.lateral_convs), self.num_outs):
            x = self.fpn_convs[i](x) if self.add_extra_convs else F.max_pool2d(x, 1, stride=2)
            extra.append(x)
        return extra
