from .track_head import TrackHead

__all__ = ['TrackHead']
