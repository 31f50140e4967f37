from mmdet.ops.mask_rle import mask_to_rle
from mmdet.ops.nms import batched_nms, nms
from mmdet.ops.roi_align import RoIAlign, multi_level_roi_align, roi_align
from mmdet.ops.roi_pool import RoIPool, roi_pool
from mmdet.ops.soft_nms import soft_nms

__all__ = [
    'RoIAlign', 'RoIPool', 'batched_nms', 'mask_to_rle', 'multi_level_roi_align', 'nms',
    'roi_align', 'roi_pool', 'soft_nms'
]
