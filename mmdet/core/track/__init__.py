from mmdet.core.track.after_video import VideoTracks
from mmdet.core.track.matching import MatchCoeff, assign_ids, match_scores
from mmdet.core.track.memory import TrackMemory
from mmdet.core.track.options import TrackOptions
from mmdet.core.track.registry import (AFTER_VIDEO, CUES, EMBEDDING_MEMORIES, ID_ASSIGNERS,
                                       SIMILARITIES)

__all__ = ['AFTER_VIDEO', 'CUES', 'EMBEDDING_MEMORIES', 'ID_ASSIGNERS', 'MatchCoeff',
           'SIMILARITIES', 'TrackMemory', 'TrackOptions', 'VideoTracks', 'assign_ids',
           'match_scores']
