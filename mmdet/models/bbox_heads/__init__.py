from mmdet.models.bbox_heads.bbox_head import BBoxHead
from mmdet.models.bbox_heads.convfc_bbox_head import ConvFCBBoxHead, SharedFCBBoxHead

__all__ = ['BBoxHead', 'ConvFCBBoxHead', 'SharedFCBBoxHead']
