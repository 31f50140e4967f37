from mmdet.models.anchor_heads.anchor_head import AnchorHead
from mmdet.models.anchor_heads.rpn_head import RPNHead

__all__ = ['AnchorHead', 'RPNHead']
