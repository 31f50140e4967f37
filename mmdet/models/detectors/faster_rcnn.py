"""Faster R-CNN (arXiv:1506.01497)."""
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.registry import DETECTORS


@DETECTORS.register_module
class FasterRCNN(TwoStageDetector):
    """Proposals from an RPN, then boxes.

    Args:
        rpn_head: config.
        kwargs: see :class:`TwoStageDetector`.
    """

    def __init__(self, rpn_head: dict, **kwargs) -> None:
        super().__init__(rpn_head=rpn_head, **kwargs)
