from mmdet.core.post_processing.bbox_nms import check_nms_cfg, multiclass_nms

__all__ = ['check_nms_cfg', 'multiclass_nms']
