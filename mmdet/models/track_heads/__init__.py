from mmdet.models.track_heads.roi_cosine_track_head import RoICosineTrackHead
from mmdet.models.track_heads.track_head import TrackHead

__all__ = ['RoICosineTrackHead', 'TrackHead']
