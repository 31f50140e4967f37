"""What lies on disk: annotations, masks and results, read, checked and written. No torch."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.formats.results': ['TrackWriter', 'results2json', 'results2json_videoseg'],
    'mmdet.formats.submission': ['write_submission'],
    'mmdet.formats.track_result': ['TrackResult'],
    'mmdet.formats.ytvos': ['YTVOS'],
})
