from .env import get_root_logger, init_dist, set_random_seed
from .hooks import TrainingInterrupted
from .inference import inference_detector, init_detector, show_result
from .loops import NonFiniteLoss
from .test import evaluate_detector
from .train import train_detector

__all__ = [
    'NonFiniteLoss', 'TrainingInterrupted', 'evaluate_detector',
    'get_root_logger', 'inference_detector', 'init_detector', 'init_dist',
    'set_random_seed', 'show_result', 'train_detector'
]
