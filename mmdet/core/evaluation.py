"""Where 2019 had the evaluators; they live in :mod:`mmdet.evaluation` and :mod:`mmdet.formats`."""
from mmdet.core.names_of_2019 import EVALUATION
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.evaluation': ['average_precision', 'coco_classes', 'coco_eval', 'dataset_aliases',
                         'eval_map', 'eval_recalls', 'fast_eval_recall', 'get_classes',
                         'imagenet_det_classes', 'imagenet_vid_classes', 'print_map_summary',
                         'print_recall_summary', 'voc_classes', 'ytvos_eval'],
    'mmdet.formats': ['results2json', 'results2json_videoseg'],
}, EVALUATION)
