from mmdet.models.anchor_heads.anchor_head import AnchorHead
from mmdet.models.anchor_heads.retina_head import RetinaHead
from mmdet.models.anchor_heads.rpn_head import RPNHead
from mmdet.models.anchor_heads.ssd_head import SSDHead
from mmdet.models.anchor_heads.torchvision_rpn_head import TorchvisionRPNHead

__all__ = ['AnchorHead', 'RPNHead', 'RetinaHead', 'SSDHead', 'TorchvisionRPNHead']
