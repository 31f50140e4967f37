"""ResNet (arXiv:1512.03385) that returns the maps of several stages."""
from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import constant_init, kaiming_init
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mmdet.checkpoint import load_checkpoint
from mmdet.models.norm import norm_cfg
from mmdet.models.registry import BACKBONES
from mmdet.utils.errors import BadKey, BadValue


def _conv3x3(inplanes: int, planes: int, stride: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(inplanes, planes, 3, stride=stride, padding=dilation,
                     dilation=dilation, bias=False)


class ResBlock(nn.Module):
    """What both blocks share: convolutions, a shortcut, a sum.

    Args:
        inplanes: channels in.
        planes: channels inside; ``planes * expansion`` come out.
        stride, dilation: of the 3x3 convolution (``style='caffe'``: the stride is
            in the first 1x1 convolution of a bottleneck).
        downsample: the shortcut where shapes differ.
        style: ``'pytorch'`` or ``'caffe'``.
        with_cp: recompute the block in the backward pass to save memory.
        normalize: classic norm config.
    """
    expansion = 1

    def __init__(self, inplanes: int, planes: int, stride: int = 1, dilation: int = 1,
                 downsample: nn.Module | None = None, style: str = 'pytorch',
                 with_cp: bool = False, normalize: dict | None = None) -> None:
        super().__init__()
        self.stride, self.dilation, self.style = stride, dilation, style
        self.with_cp = with_cp
        self.normalize = norm_cfg(normalize or dict(type='BN'))
        self.relu = nn.ReLU(inplace=True)
        self._build(inplanes, planes)
        self.downsample = downsample

    def _add(self, index: int, conv: nn.Conv2d) -> None:
        """Register ``conv{index}`` and the norm behind it, e.g. ``bn1``."""
        name, norm = build_norm_layer(self.normalize, conv.out_channels, postfix=index)
        self.add_module(f'conv{index}', conv)
        self.add_module(name, norm)
        self.norm_names = [*getattr(self, 'norm_names', []), name]

    def _build(self, inplanes: int, planes: int) -> None:
        raise NotImplementedError

    def conv_norms(self) -> list[tuple[str, str]]:
        """Convolutions and the norms behind them, by name."""
        return [(f'conv{i}', norm) for i, norm in enumerate(self.norm_names, 1)]

    def _residual(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        last = len(self.norm_names)
        for i, norm in enumerate(self.norm_names, 1):
            x = getattr(self, norm)(getattr(self, f'conv{i}')(x))
            if i < last:
                x = self.relu(x)
        return x + identity

    def forward(self, x: Tensor) -> Tensor:
        """(N, inplanes, H, W) -> (N, planes * expansion, H / stride, W / stride)."""
        if self.with_cp and x.requires_grad:
            return self.relu(checkpoint(self._residual, x, use_reentrant=False))
        return self.relu(self._residual(x))


class BasicBlock(ResBlock):
    """Two 3x3 convolutions."""

    def _build(self, inplanes: int, planes: int) -> None:
        self._add(1, _conv3x3(inplanes, planes, self.stride, self.dilation))
        self._add(2, _conv3x3(planes, planes, 1, 1))


class Bottleneck(ResBlock):
    """A 3x3 convolution between two 1x1 convolutions."""
    expansion = 4

    def _strides(self) -> tuple[int, int]:
        """Strides of the first two convolutions."""
        return (1, self.stride) if self.style == 'pytorch' else (self.stride, 1)

    def _build(self, inplanes: int, planes: int) -> None:
        first, second = self._strides()
        self._add(1, nn.Conv2d(inplanes, planes, 1, stride=first, bias=False))
        self._add(2, _conv3x3(planes, planes, second, self.dilation))
        self._add(3, nn.Conv2d(planes, planes * self.expansion, 1, bias=False))


def make_res_layer(block: type[ResBlock], inplanes: int, planes: int, blocks: int,
                   stride: int, dilation: int, normalize: dict, **kwargs) -> nn.Sequential:
    """One stage of ``blocks`` blocks; only the first one strides."""
    downsample = None
    if stride != 1 or inplanes != planes * block.expansion:
        downsample = nn.Sequential(
            nn.Conv2d(inplanes, planes * block.expansion, 1, stride=stride, bias=False),
            build_norm_layer(norm_cfg(normalize), planes * block.expansion)[1])
    common = dict(dilation=dilation, normalize=normalize, **kwargs)
    layers = [block(inplanes, planes, stride=stride, downsample=downsample, **common)]
    layers += [block(planes * block.expansion, planes, **common) for _ in range(1, blocks)]
    return nn.Sequential(*layers)


@BACKBONES.register_module
class ResNet(nn.Module):
    """ResNet-18/34/50/101/152.

    Args:
        depth: one of the above.
        num_stages: stages built, 1 to 4.
        strides, dilations: of each stage.
        out_indices: stages whose maps are returned.
        style: ``'pytorch'``: stride in the 3x3 convolution of a bottleneck;
            ``'caffe'``: in the 1x1 before it.
        frozen_stages: the stem and this many stages get no gradient; -1: none.
        normalize: classic norm config.
        norm_eval: keep running statistics as they are in training.
        with_cp: recompute blocks in the backward pass to save memory.
        zero_init_residual: start every block as the identity.

    Raises:
        KeyError: unknown depth.
        ValueError: stages, strides and dilations do not fit together.
    """
    arch_settings = {
        18: (BasicBlock, (2, 2, 2, 2)), 34: (BasicBlock, (3, 4, 6, 3)),
        50: (Bottleneck, (3, 4, 6, 3)), 101: (Bottleneck, (3, 4, 23, 3)),
        152: (Bottleneck, (3, 8, 36, 3))}
    block_args: dict = {}  # what else the blocks of a variant take

    def __init__(self, depth: int, num_stages: int = 4,
                 strides: Sequence[int] = (1, 2, 2, 2),
                 dilations: Sequence[int] = (1, 1, 1, 1),
                 out_indices: Sequence[int] = (0, 1, 2, 3), style: str = 'pytorch',
                 frozen_stages: int = -1, normalize: dict | None = None,
                 norm_eval: bool = True, with_cp: bool = False,
                 zero_init_residual: bool = True) -> None:
        super().__init__()
        if depth not in self.arch_settings:
            raise BadKey(f'{type(self).__name__} has depth {sorted(self.arch_settings)}, '
                         f'got {depth!r}')
        if not (1 <= num_stages <= 4 and len(strides) == len(dilations) == num_stages
                and max(out_indices) < num_stages):
            raise BadValue(f'num_stages={num_stages} needs that many strides {strides} and '
                             f'dilations {dilations}, and out_indices {out_indices} below it')
        self.depth, self.out_indices, self.style = depth, out_indices, style
        self.frozen_stages, self.norm_eval = frozen_stages, norm_eval
        self.zero_init_residual = zero_init_residual
        normalize = normalize or dict(type='BN', frozen=False)
        block, stage_blocks = self.arch_settings[depth]

        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.norm1_name, norm1 = build_norm_layer(norm_cfg(normalize), 64, postfix=1)
        self.add_module(self.norm1_name, norm1)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.res_layers, inplanes = [], 64
        for i in range(num_stages):
            layer = make_res_layer(
                block, inplanes, 64 * 2**i, stage_blocks[i], strides[i], dilations[i],
                normalize, style=style, with_cp=with_cp, **self.block_args)
            inplanes = 64 * 2**i * block.expansion
            self.add_module(f'layer{i + 1}', layer)
            self.res_layers.append(f'layer{i + 1}')
        self._freeze_stages()

    def _freeze_stages(self) -> None:
        if self.frozen_stages < 0:
            return
        frozen = [self.conv1, getattr(self, self.norm1_name)]
        frozen += [getattr(self, f'layer{i + 1}') for i in range(self.frozen_stages)]
        for module in frozen:
            module.eval()
            for param in module.parameters():
                param.requires_grad_(False)

    def init_weights(self, pretrained: str | None = None) -> None:
        """Load ImageNet weights, or draw random ones if ``pretrained`` is None."""
        if isinstance(pretrained, str):
            load_checkpoint(self, pretrained, strict=False)
            return
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                kaiming_init(module)
            elif isinstance(module, (_BatchNorm, nn.GroupNorm)):
                constant_init(module, 1)
        if self.zero_init_residual:
            for module in self.modules():
                if isinstance(module, ResBlock):
                    constant_init(getattr(module, module.norm_names[-1]), 0)

    def conv_norms(self) -> list[tuple[str, str]]:
        """The stem's convolution and norm, by name."""
        return [('conv1', self.norm1_name)]

    def conv_relus(self) -> list[tuple[str, str]]:
        """The stem's convolution and ReLU, by name, if no norm is between them."""
        bare = isinstance(getattr(self, self.norm1_name), nn.Identity)
        return [('conv1', 'relu')] if bare else []

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images -> one (N, C_i, H_i, W_i) map a stage asked for."""
        x = self.maxpool(self.relu(getattr(self, self.norm1_name)(self.conv1(x))))
        outs = []
        for i, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def train(self, mode: bool = True) -> 'ResNet':
        """Switch to training, but keep frozen stages and frozen statistics in eval mode."""
        super().train(mode)
        self._freeze_stages()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
