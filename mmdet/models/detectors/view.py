"""An image as the network saw it."""
from typing import NamedTuple

from torch import Tensor

from mmdet.core.bbox import bbox_mapping, bbox_mapping_back


class View(NamedTuple):
    """Features of an image and what was done to it before; boxes change frames here.

    Attributes:
        feats: pyramid levels (1, C, H_l, W_l).
        meta: ``img_shape``, ``ori_shape``, ``scale_factor`` and, where it may be mirrored,
            ``flip``.
    """
    feats: tuple[Tensor, ...]
    meta: dict

    def to_network(self, boxes: Tensor) -> Tensor:
        """Boxes (n, 4 * k) in original pixels to pixels of this view."""
        return bbox_mapping(boxes, self.meta['img_shape'], self.meta['scale_factor'],
                            self.meta.get('flip', False))

    def to_original(self, boxes: Tensor) -> Tensor:
        """Boxes (n, 4 * k) in pixels of this view to original pixels."""
        return bbox_mapping_back(boxes, self.meta['img_shape'], self.meta['scale_factor'],
                                 self.meta.get('flip', False))
