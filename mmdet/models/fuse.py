"""Fewer passes over memory at test time: norms, sums and ReLUs become part of convolutions."""
from collections.abc import Iterator

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mmdet.models.backbones.resnet import ResBlock

Names = Iterator[tuple[str, str]]


def fold_norms(model: nn.Module) -> int:
    """Write every batch norm that follows a convolution into its weights, in place.

    Pairs are found in an ``nn.Sequential``, in mmcv's ``ConvModule``, and in a module that names
    them with a method ``conv_norms() -> [(convolution, norm), ...]``; others stay as they are.
    Results differ by rounding only (about 1e-6 of the largest feature).

    Args:
        model: in evaluation mode.

    Returns:
        How many were folded; an ``nn.Identity`` stands in the place of each.
    """
    folded = 0
    for module in list(model.modules()):
        for conv_name, norm_name in conv_norms(module):
            conv, norm = getattr(module, conv_name), getattr(module, norm_name)
            if type(conv) is nn.Conv2d and isinstance(norm, _BatchNorm) and _is_fixed(norm):
                setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity().eval())
                folded += 1
    return folded


def _is_fixed(norm: _BatchNorm) -> bool:
    return norm.running_mean is not None and not norm.training


def conv_norms(module: nn.Module) -> Names:
    """Names of a convolution and the norm that alone reads what it makes."""
    if hasattr(module, 'conv_norms'):
        yield from module.conv_norms()
    elif isinstance(module, ConvModule):
        if module.with_norm and 'conv norm' in ' '.join(module.order):
            yield 'conv', module.norm_name
    elif type(module).forward is nn.Sequential.forward:
        names = list(module._modules)
        yield from zip(names, names[1:])


def can_fuse_relus() -> bool:
    """Whether this PyTorch has oneDNN's convolution with what follows it."""
    return torch.backends.mkldnn.is_available() and hasattr(
        torch.ops.mkldnn, '_convolution_pointwise')


def fuse_relus(model: nn.Module) -> None:
    """Let oneDNN apply the ReLU (and in a residual block the sum) that follows a convolution.

    For CPUs, after :func:`fold_norms`, in place. Pairs are found in mmcv's ``ConvModule`` and in a
    module that names them with a method ``conv_relus() -> [(convolution, ReLU), ...]``.
    """
    for module in list(model.modules()):
        for conv, relu in conv_relus(module):
            if _is_plain(getattr(module, conv)) and type(getattr(module, relu)) is nn.ReLU:
                setattr(module, conv, FusedConv2d(getattr(module, conv)))
                setattr(module, relu, nn.Identity().eval())
        for name, child in module.named_children():
            if _is_plain_block(child):
                setattr(module, name, FusedResBlock(child))


def conv_relus(module: nn.Module) -> Names:
    """Names of a convolution and the ReLU that alone reads what it makes."""
    if hasattr(module, 'conv_relus'):
        yield from module.conv_relus()
    elif isinstance(module, ConvModule):
        norm = getattr(module, module.norm_name) if module.with_norm else nn.Identity()
        if (module.with_activation and module.order == ('conv', 'norm', 'act')
                and isinstance(norm, nn.Identity)):
            yield 'conv', 'activate'


def _is_plain(conv: nn.Module) -> bool:
    return (type(conv) is nn.Conv2d and conv.padding_mode == 'zeros'
            and not isinstance(conv.padding, str) and conv.weight.dtype == torch.float32)


def _is_plain_block(module: nn.Module) -> bool:
    """A residual block whose parts run as :class:`ResBlock` says, without norms."""
    return (isinstance(module, ResBlock) and type(module).forward is ResBlock.forward
            and type(module)._residual is ResBlock._residual
            and all(_is_plain(getattr(module, conv)) and type(getattr(module, norm)) is nn.Identity
                    for conv, norm in module.conv_norms()))


class FusedConv2d(nn.Module):
    """``relu(conv(x))`` or ``relu(conv(x) + other)`` in one pass.

    Args:
        conv: with zero padding; its weights are shared.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.rest = conv.stride, (conv.padding, conv.dilation, conv.groups)
        self.eval()

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """(N, C, H, W), and what is added before the ReLU."""
        if not x.is_cpu:  # the detector was moved afterwards
            x = F.conv2d(x, self.weight, self.bias, self.stride, *self.rest)
            return F.relu(x if other is None else x + other)
        padding, *rest = self.rest
        if other is None:
            return torch.ops.mkldnn._convolution_pointwise(
                x, self.weight, self.bias, padding, self.stride, *rest, 'relu', [], '')
        return torch.ops.mkldnn._convolution_pointwise.binary(
            x, other, self.weight, self.bias, padding, self.stride, *rest, 'add', 1.0, 'relu', [],
            '')


class FusedResBlock(nn.Module):
    """A residual block whose norms were folded.

    Args:
        block: its parts are used.
    """

    def __init__(self, block: ResBlock) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            FusedConv2d(getattr(block, conv)) for conv, _ in block.conv_norms())
        self.downsample = block.downsample
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """As of the block."""
        *inner, last = self.convs
        identity = x if self.downsample is None else self.downsample(x)
        for conv in inner:
            x = conv(x)
        return last(x, identity)
