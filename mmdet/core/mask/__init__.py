from .mask_target import mask_targets
from .paste import paste_and_encode

__all__ = ['mask_targets', 'paste_and_encode']
