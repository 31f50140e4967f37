"""Pure functions and values on tensors; and, where 2019 had them, the names of its contract."""
from mmdet.core.names_of_2019 import CORE
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    '.anchor': ['AnchorGenerator'],
    '.bbox': [
        'AssignResult', 'CombinedSampler', 'InstanceBalancedPosSampler', 'IoUBalancedNegSampler',
        'MaxIoUAssigner', 'PseudoSampler', 'RandomSampler', 'SamplingResult', 'assign_and_sample',
        'bbox2delta', 'bbox2result', 'bbox2roi', 'bbox_flip', 'bbox_mapping', 'bbox_mapping_back',
        'bbox_overlaps', 'build_assigner', 'build_sampler', 'delta2bbox'
    ],
    '.evaluation': [
        'average_precision', 'coco_classes', 'coco_eval', 'dataset_aliases', 'eval_map',
        'eval_recalls', 'fast_eval_recall', 'get_classes', 'imagenet_det_classes',
        'imagenet_vid_classes', 'print_map_summary', 'print_recall_summary', 'results2json',
        'results2json_videoseg', 'voc_classes', 'ytvos_eval'
    ],
    '.frames': ['FramePreprocessor'],
    '.loss': [
        'accuracy', 'mask_cross_entropy', 'sigmoid_focal_loss', 'smooth_l1_loss',
        'weighted_binary_cross_entropy', 'weighted_cross_entropy', 'weighted_nll_loss',
        'weighted_sigmoid_focal_loss', 'weighted_smoothl1'
    ],
    '.mask': ['mask_targets'],
    '.post_processing': [
        'merge_aug_bboxes', 'merge_aug_masks', 'merge_aug_proposals', 'merge_aug_scores',
        'multiclass_nms'
    ],
    '.track': ['MatchCoeff', 'TrackMemory', 'assign_ids', 'match_scores'],
    '.utils': ['multi_apply', 'roi2bbox', 'tensor2imgs', 'unmap'],
    'mmdet.formats.track_result': ['TrackResult'],
}, CORE)
