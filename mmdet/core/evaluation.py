"""Where 2019 had the evaluators; they live in :mod:`mmdet.evaluation` and :mod:`mmdet.formats`."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.evaluation': ['coco_eval', 'ytvos_eval'],
    'mmdet.formats': ['results2json', 'results2json_videoseg'],
})
