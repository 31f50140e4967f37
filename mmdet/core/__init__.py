from .anchor import AnchorGenerator
from .bbox import (assign_and_sample, bbox2delta, bbox2result, bbox2roi, bbox_flip,
                   bbox_mapping, bbox_mapping_back, bbox_overlaps, build_assigner,
                   build_sampler, delta2bbox)
from .evaluation import *  # noqa: F401,F403
from .frames import FramePreprocessor
from .mask import mask_targets, paste_and_encode
from .post_processing import multiclass_nms
from .track import MatchCoeff, TrackMemory, TrackResult, assign_ids, match_scores
