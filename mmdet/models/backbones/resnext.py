"""ResNeXt (arXiv:1611.05431): ResNet with grouped 3x3 convolutions."""
from torch import nn

from mmdet.models.backbones import resnet
from mmdet.models.registry import BACKBONES


class Bottleneck(resnet.Bottleneck):
    """A bottleneck whose 3x3 convolution has ``groups`` paths.

    Args:
        groups: number of paths; 1 is ResNet's bottleneck.
        base_width: channels of a path where ResNet's bottleneck has 64 in all.
        others: see :class:`mmdet.models.backbones.resnet.ResBlock`.
    """

    def __init__(self, *args, groups: int = 1, base_width: int = 4, **kwargs) -> None:
        self.groups, self.base_width = groups, base_width  # before the layers are made
        super().__init__(*args, **kwargs)

    def _build(self, inplanes: int, planes: int) -> None:
        width = planes if self.groups == 1 else planes * self.base_width // 64 * self.groups
        first, second = self._strides()
        self._add(1, nn.Conv2d(inplanes, width, 1, stride=first, bias=False))
        self._add(2, nn.Conv2d(width, width, 3, stride=second, padding=self.dilation,
                               dilation=self.dilation, groups=self.groups, bias=False))
        self._add(3, nn.Conv2d(width, planes * self.expansion, 1, bias=False))


@BACKBONES.register_module
class ResNeXt(resnet.ResNet):
    """ResNeXt-50/101/152, e.g. 32x4d (``groups=32, base_width=4``).

    Args:
        groups: paths of the 3x3 convolutions.
        base_width: channels of a path in the first stage.
        kwargs: see :class:`mmdet.models.backbones.resnet.ResNet`.
    """
    arch_settings = {50: (Bottleneck, (3, 4, 6, 3)), 101: (Bottleneck, (3, 4, 23, 3)),
                     152: (Bottleneck, (3, 8, 36, 3))}

    def __init__(self, groups: int = 1, base_width: int = 4, **kwargs) -> None:
        self.block_args = dict(groups=groups, base_width=base_width)
        super().__init__(**kwargs)
