"""The head of RetinaNet (arXiv:1708.02002)."""
from mmengine.model import bias_init_with_prob
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.models.anchor_heads.anchor_head import AnchorHead
from mmdet.models.registry import HEADS


@HEADS.register_module
class RetinaHead(AnchorHead):
    """Two towers of convolutions, one classifies every anchor, the other regresses it.

    Args:
        num_classes: with background.
        in_channels: of the levels.
        stacked_convs: hidden convolutions of each tower.
        octave_base_scale: smallest anchor scale.
        scales_per_octave: scales between it and its double.
        kwargs: see :class:`AnchorHead`.
    """

    def __init__(self, num_classes: int, in_channels: int, stacked_convs: int = 4,
                 octave_base_scale: float = 4, scales_per_octave: int = 3, **kwargs) -> None:
        self.stacked_convs = stacked_convs  # before the layers are made
        scales = [octave_base_scale * 2**(i / scales_per_octave) for i in range(scales_per_octave)]
        super().__init__(num_classes, in_channels, anchor_scales=scales, use_sigmoid_cls=True,
                         use_focal_loss=True, **kwargs)

    def _init_layers(self) -> None:
        self.cls_convs, self.reg_convs = self._tower(), self._tower()
        self.retina_cls = nn.Conv2d(
            self.feat_channels, self.num_anchors * self.cls_out_channels, 3, padding=1)
        self.retina_reg = nn.Conv2d(self.feat_channels, self.num_anchors * 4, 3, padding=1)

    def _tower(self) -> nn.ModuleList:
        return nn.ModuleList(
            nn.Conv2d(self.in_channels if i == 0 else self.feat_channels, self.feat_channels, 3,
                      padding=1)
            for i in range(self.stacked_convs))

    def init_weights(self) -> None:
        """Normal weights of deviation 0.01; every anchor starts as background, at 0.99."""
        super().init_weights()
        nn.init.constant_(self.retina_cls.bias, bias_init_with_prob(0.01))

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One level (N, C, H, W) -> scores (N, A * K, H, W), deltas (N, A * 4, H, W)."""
        cls_feat = reg_feat = x
        for cls_conv, reg_conv in zip(self.cls_convs, self.reg_convs):
            cls_feat = F.relu(cls_conv(cls_feat), inplace=True)
            reg_feat = F.relu(reg_conv(reg_feat), inplace=True)
        return self.retina_cls(cls_feat), self.retina_reg(reg_feat)
