from .results import TrackWriter, results2json, results2json_videoseg
from .ytvos import YTVOS

__all__ = ['TrackWriter', 'results2json', 'results2json_videoseg', 'YTVOS']
