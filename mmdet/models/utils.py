"""Blocks and initialisations of 2019 by their names there: mmcv's and mmengine's."""
from typing import Any

import mmcv.cnn
from mmengine.model import bias_init_with_prob, kaiming_init, normal_init, uniform_init, xavier_init
from torch import nn

from mmdet.models.norm import norm_cfg

__all__ = ['ConvModule', 'bias_init_with_prob', 'build_norm_layer', 'kaiming_init', 'normal_init',
           'uniform_init', 'xavier_init']


class ConvModule(mmcv.cnn.ConvModule):
    """Convolution, normalisation, ReLU, with the arguments of 2019.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias: of the
            convolution.
        normalize: classic norm config, see :mod:`mmdet.models.norm`; None: none.
        activation: ``'relu'`` or None.
        inplace: of the ReLU.
        activate_last: False: normalisation and ReLU come before the convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1,
                 padding: int = 0, dilation: int = 1, groups: int = 1, bias: bool = True,
                 normalize: dict | None = None, activation: str | None = 'relu',
                 inplace: bool = True, activate_last: bool = True) -> None:
        order = ('conv', 'norm', 'act') if activate_last else ('norm', 'act', 'conv')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            norm_cfg=norm_cfg(normalize), inplace=inplace, order=order,
            act_cfg=None if activation is None else dict(type={'relu': 'ReLU'}[activation]))


def build_norm_layer(cfg: dict, num_features: int, postfix: int | str = '',
                     **kwargs: Any) -> tuple[str, nn.Module]:
    """:func:`mmcv.cnn.build_norm_layer` of a classic config, which may say ``frozen``.

    Returns:
        its name, e.g. ``bn1``, and the layer.
    """
    return mmcv.cnn.build_norm_layer(norm_cfg(cfg), num_features, postfix, **kwargs)
