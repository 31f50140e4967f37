"""The region proposal network of torchvision's detectors."""
from collections.abc import Sequence

from torch import Tensor, nn

from mmdet.core.anchor import AnchorGenerator
from mmdet.models.anchor_heads.rpn_head import RPNHead
from mmdet.models.registry import HEADS


@HEADS.register_module
class TorchvisionRPNHead(RPNHead):
    """:class:`RPNHead` with the anchors that torchvision's weights were trained on.

    They stand on the corner of their cell instead of half a pixel inside it, and the stride of a
    level is the side of the first level over its own, rounded down: 61 instead of 64 pixels where
    an odd map was halved. All else is the same: an inclusive box ``[x1, x2]`` here is the
    half-open ``[x1, x2 + 1)`` there, so that sizes, deltas and overlaps agree.

    Args:
        kwargs: see :class:`RPNHead`.

    Source: ``AnchorGenerator`` of torchvision.models.detection.anchor_utils.
    """

    def _make_generators(self, base_sizes: Sequence[int], scales: Sequence[float],
                         ratios: Sequence[float]) -> nn.ModuleList:
        return nn.ModuleList(AnchorGenerator(base, scales, ratios, ctr=(-0.5, -0.5))
                             for base in base_sizes)

    def anchors(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The anchors (H_l * W_l * A, 4) of every level."""
        height, width = (side * self.anchor_strides[0] for side in maps[0].shape[-2:])
        return [generator.grid_anchors((h, w), (height // h, width // w))
                for generator, (h, w) in zip(self.anchor_generators,
                                             (x.shape[-2:] for x in maps))]
