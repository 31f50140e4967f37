from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.core.evaluation.coco': ['coco_eval'],
    'mmdet.core.evaluation.tracking_metrics': ['tracking_scores'],
    'mmdet.core.evaluation.ytvoseval': ['YTVOSeval', 'ytvos_eval'],
})
