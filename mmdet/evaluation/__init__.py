"""Scores of result files, from files alone: AP and AR, HOTA and identities, COCO. No torch."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.evaluation.coco': ['coco_eval'],
    'mmdet.evaluation.scoring': ['ytvos_eval'],
    'mmdet.evaluation.tracking_metrics': ['tracking_scores'],
    'mmdet.evaluation.ytvoseval': ['YTVOSeval'],
})
