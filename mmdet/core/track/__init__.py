from .matching import MatchCoeff, assign_ids, match_scores
from .memory import TrackMemory

__all__ = ['MatchCoeff', 'TrackMemory', 'assign_ids', 'match_scores']
