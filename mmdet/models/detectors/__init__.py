from .base import BaseDetector
from .faster_rcnn import FasterRCNN
from .mask_rcnn import MaskRCNN
from .masktrack_rcnn import MaskTrackRCNN
from .two_stage import TwoStageDetector

__all__ = ['BaseDetector', 'FasterRCNN', 'MaskRCNN', 'MaskTrackRCNN', 'TwoStageDetector']
