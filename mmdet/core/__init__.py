"""Pure functions and values on tensors; and, where 2019 had them, the names of its contract."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.core.anchor': ['AnchorGenerator'],
    'mmdet.core.bbox': [
        'assign_and_sample', 'bbox2delta', 'bbox2result', 'bbox2roi', 'bbox_flip',
        'bbox_mapping', 'bbox_mapping_back', 'bbox_overlaps', 'build_assigner',
        'build_sampler', 'delta2bbox'
    ],
    'mmdet.evaluation': ['YTVOSeval', 'coco_eval', 'tracking_scores', 'ytvos_eval'],
    'mmdet.core.frames': ['FramePreprocessor'],
    'mmdet.core.mask': ['mask_targets'],
    'mmdet.core.post_processing': ['multiclass_nms'],
    'mmdet.core.track': ['MatchCoeff', 'TrackMemory', 'TrackResult', 'assign_ids', 'match_scores'],
    'mmdet.formats': [
        'TrackWriter', 'YTVOS', 'results2json', 'results2json_videoseg', 'write_submission'
    ],
})
