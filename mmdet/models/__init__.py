from mmdet.models.anchor_heads import *  # noqa: F401,F403
from mmdet.models.backbones import *  # noqa: F401,F403
from mmdet.models.bbox_heads import *  # noqa: F401,F403
from mmdet.models.builder import (build_backbone, build_detector, build_head, build_neck,
                                  build_roi_extractor)
from mmdet.models.detectors import *  # noqa: F401,F403
from mmdet.models.mask_heads import *  # noqa: F401,F403
from mmdet.models.necks import *  # noqa: F401,F403
from mmdet.models.registry import BACKBONES, DETECTORS, HEADS, NECKS, ROI_EXTRACTORS
from mmdet.models.roi_extractors import *  # noqa: F401,F403
from mmdet.models.track_heads import *  # noqa: F401,F403
