"""Scores of result files, from files alone: AP and AR, HOTA and identities, COCO. No torch."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.evaluation.class_names': ['coco_classes', 'dataset_aliases', 'get_classes',
                                     'imagenet_det_classes', 'imagenet_vid_classes',
                                     'voc_classes'],
    'mmdet.evaluation.coco': ['coco_eval', 'fast_eval_recall'],
    'mmdet.evaluation.mean_ap': ['average_precision', 'eval_map', 'print_map_summary'],
    'mmdet.evaluation.recall': ['eval_recalls', 'print_recall_summary'],
    'mmdet.evaluation.scoring': ['ytvos_eval'],
    'mmdet.evaluation.tracking_metrics': ['tracking_scores'],
    'mmdet.evaluation.ytvoseval': ['YTVOSeval'],
})
