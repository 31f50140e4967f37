"""Faster R-CNN (arXiv:1506.01497)."""
from ..registry import DETECTORS
from .two_stage import TwoStageDetector


@DETECTORS.register_module
class FasterRCNN(TwoStageDetector):
    """The two-stage detector under its own name."""
