from mmdet.apis.inference import inference_detector, init_detector, show_result, track_video
from mmdet.apis.track_file import TrackFile, read_tracks
from mmdet.apis.tracked import TrackedFrame, TrackedVideo
from mmdet.apis.train import train_detector
from mmdet.apis.videos import track_videos
from mmdet.engine.distribution import init_dist
from mmdet.engine.environment import set_random_seed
from mmdet.engine.hooks import TrainingInterrupted
from mmdet.engine.inference import prepare_inference
from mmdet.engine.test_loop import evaluate_detector
from mmdet.engine.trainer import NonFiniteLoss
from mmdet.utils import get_root_logger

__all__ = [
    'NonFiniteLoss', 'TrackFile', 'TrackedFrame', 'TrackedVideo', 'TrainingInterrupted',
    'evaluate_detector', 'get_root_logger', 'inference_detector', 'init_detector', 'init_dist',
    'prepare_inference', 'read_tracks', 'set_random_seed', 'show_result', 'track_video',
    'track_videos', 'train_detector'
]
