from mmdet.core.mask.mask_target import mask_targets
from mmdet.core.mask.overlaps import mask_overlaps
from mmdet.core.names_of_2019 import MASK
from mmdet.utils.lazy import lazy_exports

__all__ = ['mask_overlaps', 'mask_targets']
__getattr__ = lazy_exports(__name__, {}, MASK)[0]
