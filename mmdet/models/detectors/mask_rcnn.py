"""Mask R-CNN (arXiv:1703.06870)."""
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.registry import DETECTORS


@DETECTORS.register_module
class MaskRCNN(TwoStageDetector):
    """Faster R-CNN with a mask for every box.

    Args:
        mask_roi_extractor, mask_head: configs.
        kwargs: see :class:`TwoStageDetector`.
    """

    def __init__(self, mask_roi_extractor: dict, mask_head: dict, **kwargs) -> None:
        super().__init__(mask_roi_extractor=mask_roi_extractor, mask_head=mask_head, **kwargs)
