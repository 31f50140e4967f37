from mmdet.models.track_heads.cosine_track_head import CosineTrackHead
from mmdet.models.track_heads.track_head import TrackHead

__all__ = ['CosineTrackHead', 'TrackHead']
