"""Faster R-CNN (arXiv:1506.01497)."""
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.registry import DETECTORS


@DETECTORS.register_module
class FasterRCNN(TwoStageDetector):
    """The two-stage detector under its own name."""
