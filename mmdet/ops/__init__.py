from .nms import batched_nms, nms
from .roi_align import RoIAlign, multi_level_roi_align, roi_align
from .roi_pool import RoIPool, roi_pool
from .soft_nms import soft_nms

__all__ = [
    'RoIAlign', 'RoIPool', 'batched_nms', 'multi_level_roi_align', 'nms', 'roi_align',
    'roi_pool', 'soft_nms'
]
