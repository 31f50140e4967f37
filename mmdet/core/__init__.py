"""Pure functions and values on tensors; and, where 2019 had them, the names of its contract."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    '.anchor': ['AnchorGenerator'],
    '.bbox': [
        'assign_and_sample', 'bbox2delta', 'bbox2result', 'bbox2roi', 'bbox_flip',
        'bbox_mapping', 'bbox_mapping_back', 'bbox_overlaps', 'build_assigner',
        'build_sampler', 'delta2bbox'
    ],
    '.evaluation': ['coco_eval', 'results2json', 'results2json_videoseg', 'ytvos_eval'],
    '.frames': ['FramePreprocessor'],
    '.mask': ['mask_targets'],
    '.post_processing': ['multiclass_nms'],
    '.track': ['MatchCoeff', 'TrackMemory', 'assign_ids', 'match_scores'],
    'mmdet.formats.track_result': ['TrackResult'],
})
