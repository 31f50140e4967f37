from mmdet.core.anchor.anchor_generator import AnchorGenerator
from mmdet.core.anchor.anchor_target import AnchorTargets, anchor_inside_flags, anchor_targets

__all__ = ['AnchorGenerator', 'AnchorTargets', 'anchor_inside_flags', 'anchor_targets']
