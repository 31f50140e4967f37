"""Box heads with hidden layers."""
from mmcv.cnn import ConvModule
from mmengine.model import xavier_init
from torch import Tensor, nn

from ..norm import norm_cfg
from ..registry import HEADS
from .bbox_head import BBoxHead

from mmdet.utils.errors import BadValue


@HEADS.register_module
class ConvFCBBoxHead(BBoxHead):
    """Shared convolutions and layers, then a branch of them for each task.

    Args:
        num_shared_convs, num_shared_fcs: in front of both tasks.
        num_cls_convs, num_cls_fcs: of the classifier alone.
        num_reg_convs, num_reg_fcs: of the regressor alone.
        conv_out_channels, fc_out_channels: sizes of hidden layers.
        normalize: classic norm config of the convolutions.
        kwargs: see :class:`BBoxHead`.
    """

    def __init__(self, num_shared_convs: int = 0, num_shared_fcs: int = 0,
                 num_cls_convs: int = 0, num_cls_fcs: int = 0, num_reg_convs: int = 0,
                 num_reg_fcs: int = 0, conv_out_channels: int = 256,
                 fc_out_channels: int = 1024, normalize: dict | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.conv_out_channels, self.fc_out_channels = conv_out_channels, fc_out_channels
        self.normalize = normalize
        self.shared_convs, self.shared_fcs, dims, flat = self._make_branch(
            num_shared_convs, num_shared_fcs, self.in_channels, flat=False)
        self.cls_convs, self.cls_fcs, cls_dims, cls_flat = self._make_branch(
            num_cls_convs, num_cls_fcs, dims, flat)
        self.reg_convs, self.reg_fcs, reg_dims, reg_flat = self._make_branch(
            num_reg_convs, num_reg_fcs, dims, flat)
        area = 1 if self.with_avg_pool else self.roi_feat_size**2
        self._init_predictors(cls_dims if cls_flat else cls_dims * area,
                              reg_dims if reg_flat else reg_dims * area)
        self.relu = nn.ReLU(inplace=True)

    def _make_branch(self, num_convs: int, num_fcs: int, dims: int,
                     flat: bool) -> tuple[nn.ModuleList, nn.ModuleList, int, bool]:
        """Layers of a branch, the channels behind it, whether features are flat there."""
        convs, fcs = nn.ModuleList(), nn.ModuleList()
        for _ in range(num_convs):
            convs.append(ConvModule(dims, self.conv_out_channels, 3, padding=1,
                                    norm_cfg=norm_cfg(self.normalize)))
            dims = self.conv_out_channels
        if num_fcs and not flat and not self.with_avg_pool:
            dims *= self.roi_feat_size**2
        for _ in range(num_fcs):
            fcs.append(nn.Linear(dims, self.fc_out_channels))
            dims = self.fc_out_channels
        return convs, fcs, dims, flat or num_fcs > 0

    def init_weights(self) -> None:
        """Xavier weights in the hidden layers, small ones in the predictors."""
        super().init_weights()
        for fcs in (self.shared_fcs, self.cls_fcs, self.reg_fcs):
            for fc in fcs:
                xavier_init(fc, distribution='uniform')

    def _branch(self, x: Tensor, convs: nn.ModuleList, fcs: nn.ModuleList,
                flatten: bool) -> Tensor:
        for conv in convs:
            x = conv(x)
        if x.dim() > 2 and (len(fcs) or flatten):
            x = (self.avg_pool(x) if self.with_avg_pool else x).flatten(1)
        for fc in fcs:
            x = self.relu(fc(x))
        return x

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """(R, C, s, s) RoI features -> logits (R, K) and deltas (R, 4 * K or 4)."""
        x = self._branch(x, self.shared_convs, self.shared_fcs, flatten=False)
        cls = self._branch(x, self.cls_convs, self.cls_fcs, flatten=True)
        reg = self._branch(x, self.reg_convs, self.reg_fcs, flatten=True)
        return (self.fc_cls(cls) if self.with_cls else None,
                self.fc_reg(reg) if self.with_reg else None)


@HEADS.register_module
class SharedFCBBoxHead(ConvFCBBoxHead):
    """``num_fcs`` shared layers (the head of the paper has two of 1024).

    Args:
        num_fcs: at least 1.
        kwargs: see :class:`ConvFCBBoxHead`.
    """

    def __init__(self, num_fcs: int = 2, fc_out_channels: int = 1024, **kwargs) -> None:
        if num_fcs < 1:
            raise BadValue(f'SharedFCBBoxHead needs num_fcs >= 1, got {num_fcs}')
        super().__init__(num_shared_fcs=num_fcs, fc_out_channels=fc_out_channels, **kwargs)
