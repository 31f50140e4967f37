from mmdet.models.mask_heads.fcn_mask_head import FCNMaskHead

__all__ = ['FCNMaskHead']
