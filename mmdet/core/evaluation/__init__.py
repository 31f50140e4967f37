from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    '.coco': ['coco_eval'],
    '.results': ['TrackWriter', 'results2json', 'results2json_videoseg'],
    '.submission': ['write_submission'],
    '.tracking_metrics': ['tracking_scores'],
    '.ytvos': ['YTVOS'],
    '.ytvoseval': ['YTVOSeval', 'ytvos_eval'],
})
