"""The VGG of SSD (arXiv:1512.02325)."""
from collections.abc import Sequence

import torch
from mmcv.cnn import VGG
from mmengine.model import constant_init, kaiming_init, xavier_init
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.checkpoint import load_checkpoint
from mmdet.models.registry import BACKBONES
from mmdet.utils.errors import BadValue


class L2Norm(nn.Module):
    """Scale the channels of every pixel to a learned length (arXiv:1506.04579).

    Args:
        channels: C.
        scale: initial length.
        eps: added to the norm.
    """

    def __init__(self, channels: int, scale: float = 20., eps: float = 1e-10) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(scale)))
        self.eps, self.scale = eps, scale

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return self.weight[:, None, None] * x / (x.norm(dim=1, keepdim=True) + self.eps)


@BACKBONES.register_module
class SSDVGG(VGG):
    """VGG whose fully connected layers are convolutions, and smaller maps behind it.

    Args:
        input_size: 300 or 512, side of the images in pixels.
        depth: 11, 13, 16 or 19.
        with_last_pool, ceil_mode, out_indices: of mmcv's VGG.
        out_feature_indices: layers of ``features`` whose maps are returned.
        l2_norm_scale: initial length of the first map's pixels.

    Raises:
        ValueError: another ``input_size``.
    """
    # channels behind fc7, 1x1 and 3x3 in turn; 'S': the next one strides
    extra_setting = {
        300: (256, 'S', 512, 128, 'S', 256, 128, 256, 128, 256),
        512: (256, 'S', 512, 128, 'S', 256, 128, 'S', 256, 128, 'S', 256, 128)}

    def __init__(self, input_size: int, depth: int, with_last_pool: bool = False,
                 ceil_mode: bool = True, out_indices: Sequence[int] = (3, 4),
                 out_feature_indices: Sequence[int] = (22, 34),
                 l2_norm_scale: float = 20.) -> None:
        super().__init__(depth, with_last_pool=with_last_pool, ceil_mode=ceil_mode,
                         out_indices=out_indices)
        if input_size not in self.extra_setting:
            raise BadValue(f'SSDVGG has input_size {sorted(self.extra_setting)}, got {input_size}')
        self.features.extend([
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU(inplace=True),
            nn.Conv2d(1024, 1024, 1), nn.ReLU(inplace=True)])
        self.out_feature_indices = out_feature_indices
        extra = _extra_layers(self.extra_setting[input_size])
        if input_size == 512:
            extra.append(nn.Conv2d(128, 256, 4, padding=1))
        self.extra = nn.Sequential(*extra)
        channels = self.features[out_feature_indices[0] - 1].out_channels
        self.l2_norm = L2Norm(channels, l2_norm_scale)

    def init_weights(self, pretrained: str | None = None) -> None:
        """Load ImageNet weights into ``features``, or draw random ones if None; draw the rest."""
        if isinstance(pretrained, str):
            load_checkpoint(self, pretrained, strict=False)
        else:
            for module in self.features:
                if isinstance(module, nn.Conv2d):
                    kaiming_init(module)
        for module in self.extra:
            xavier_init(module, distribution='uniform')
        constant_init(self.l2_norm, self.l2_norm.scale)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images -> one (N, C_i, H_i, W_i) map a level."""
        outs = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.out_feature_indices:
                outs.append(x)
        for i, layer in enumerate(self.extra):
            x = F.relu(layer(x), inplace=True)
            if i % 2 == 1:
                outs.append(x)
        return (self.l2_norm(outs[0]), *outs[1:])


def _extra_layers(setting: Sequence[int | str]) -> list[nn.Conv2d]:
    layers, channels, stride = [], 1024, 1
    for entry in setting:
        if entry == 'S':
            stride = 2
            continue
        kernel = 3 if len(layers) % 2 else 1
        layers.append(nn.Conv2d(channels, entry, kernel, stride=stride, padding=stride - 1))
        channels, stride = entry, 1
    return layers
