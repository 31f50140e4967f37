"""Pictures and videos of results: pure functions on arrays, with OpenCV."""
from mmdet.visualization.draw import draw_result, draw_tracks, upscale_factor
from mmdet.visualization.encoders import count_frames
from mmdet.visualization.palette import object_color
from mmdet.visualization.strip import contact_strip
from mmdet.visualization.video import VideoWriter

__all__ = ['VideoWriter', 'contact_strip', 'count_frames', 'draw_result', 'draw_tracks',
           'object_color', 'upscale_factor']
