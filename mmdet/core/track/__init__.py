from .matching import MatchCoeff, assign_ids, match_scores
from .memory import TrackMemory
from .result import TrackResult

__all__ = ['MatchCoeff', 'TrackMemory', 'TrackResult', 'assign_ids', 'match_scores']
