from mmdet.core.track.matching import MatchCoeff, assign_ids, match_scores
from mmdet.core.track.memory import TrackMemory

__all__ = ['MatchCoeff', 'TrackMemory', 'assign_ids', 'match_scores']
