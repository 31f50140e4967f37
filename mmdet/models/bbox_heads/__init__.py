from .bbox_head import BBoxHead
from .convfc_bbox_head import ConvFCBBoxHead, SharedFCBBoxHead

__all__ = ['BBoxHead', 'ConvFCBBoxHead', 'SharedFCBBoxHead']
