from mmdet.models.track_heads.track_head import TrackHead

__all__ = ['TrackHead']
