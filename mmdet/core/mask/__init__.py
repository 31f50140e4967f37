from mmdet.core.mask.mask_target import mask_targets

__all__ = ['mask_targets']
