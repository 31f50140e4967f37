"""Pictures and videos of results: pure functions on arrays, with OpenCV."""
from .draw import draw_tracks, upscale_factor
from .palette import object_color
from .strip import contact_strip
from .video import VideoWriter, count_frames, quiet_opencv

__all__ = ['VideoWriter', 'contact_strip', 'count_frames', 'draw_tracks',
           'object_color', 'quiet_opencv', 'upscale_factor']
