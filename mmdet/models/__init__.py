from .anchor_heads import *  # noqa: F401,F403
from .backbones import *  # noqa: F401,F403
from .bbox_heads import *  # noqa: F401,F403
from .builder import (build_backbone, build_detector, build_head, build_neck,
                      build_roi_extractor)
from .detectors import *  # noqa: F401,F403
from .mask_heads import *  # noqa: F401,F403
from .necks import *  # noqa: F401,F403
from .registry import BACKBONES, DETECTORS, HEADS, NECKS, ROI_EXTRACTORS
from .roi_extractors import *  # noqa: F401,F403
from .track_heads import *  # noqa: F401,F403
