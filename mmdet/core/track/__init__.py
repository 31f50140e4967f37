from mmdet.core.track.after_video import DropDuplicates, LinkTracks, VideoTracks, VoteClass
from mmdet.core.track.assignment import SecondRound, assign_in_rounds, greedy, hungarian
from mmdet.core.track.backward import Backward, merge_directions
from mmdet.core.track.cues import MotionIoU, MotionMaskIoU
from mmdet.core.track.embedding_memory import EmbeddingBank, LastEmbedding, MomentumEmbedding
from mmdet.core.track.matching import MatchCoeff, assign_ids, match_scores
from mmdet.core.track.memory import TrackMemory
from mmdet.core.track.options import TrackOptions
from mmdet.core.track.registry import (AFTER_VIDEO, CUES, EMBEDDING_MEMORIES, ID_ASSIGNERS,
                                       SIMILARITIES)
from mmdet.core.track.similarity import bisoftmax, softmax

__all__ = [
    'AFTER_VIDEO', 'Backward', 'CUES', 'DropDuplicates', 'EMBEDDING_MEMORIES', 'EmbeddingBank',
    'ID_ASSIGNERS', 'LastEmbedding', 'LinkTracks', 'MatchCoeff', 'MomentumEmbedding', 'MotionIoU',
    'MotionMaskIoU', 'SIMILARITIES', 'SecondRound', 'TrackMemory', 'TrackOptions', 'VideoTracks',
    'VoteClass', 'assign_ids', 'assign_in_rounds', 'bisoftmax', 'greedy', 'hungarian',
    'match_scores', 'merge_directions', 'softmax'
]
