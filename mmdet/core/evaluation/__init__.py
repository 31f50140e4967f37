from .coco import coco_eval
from .results import TrackWriter, results2json, results2json_videoseg
from .ytvos import YTVOS
from .ytvoseval import YTVOSeval, ytvos_eval

__all__ = ['TrackWriter', 'results2json', 'results2json_videoseg', 'YTVOS', 'YTVOSeval', 'coco_eval', 'ytvos_eval']
