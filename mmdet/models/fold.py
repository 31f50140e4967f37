"""Batch norm with fixed statistics is a scale and a shift, which the convolution can do too."""
from collections.abc import Iterator

from mmcv.cnn import ConvModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval


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


def conv_norms(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of a convolution and the norm that alone reads what it makes."""
    if hasattr(module, 'conv_norms'):
        yield from module.conv_norms()
    elif isinstance(module, ConvModule):
        if module.with_norm and 'conv norm' in ' '.join(module.order):
            yield 'conv', module.norm_name
    elif type(module).forward is nn.Sequential.forward:
        names = list(module._modules)
        yield from zip(names, names[1:])
