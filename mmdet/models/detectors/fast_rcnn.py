"""Fast R-CNN (arXiv:1504.08083)."""
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.registry import DETECTORS


@DETECTORS.register_module
class FastRCNN(TwoStageDetector):
    """Boxes, and masks where the config has them, of proposals that come with the images.

    Training batches and :meth:`detect` take ``proposals``, (n, 4 or 5) in network pixels.
    """
