from mmdet.models.detectors.base import BaseDetector
from mmdet.models.detectors.faster_rcnn import FasterRCNN
from mmdet.models.detectors.mask_rcnn import MaskRCNN
from mmdet.models.detectors.masktrack_rcnn import MaskTrackRCNN
from mmdet.models.detectors.two_stage import TwoStageDetector

__all__ = ['BaseDetector', 'FasterRCNN', 'MaskRCNN', 'MaskTrackRCNN', 'TwoStageDetector']
