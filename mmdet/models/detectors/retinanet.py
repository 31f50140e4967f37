"""RetinaNet (arXiv:1708.02002)."""
from mmdet.models.detectors.single_stage import SingleStageDetector
from mmdet.models.registry import DETECTORS


@DETECTORS.register_module
class RetinaNet(SingleStageDetector):
    """The single-stage detector with the focal loss, under its own name."""
