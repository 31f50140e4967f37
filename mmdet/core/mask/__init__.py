from .mask_target import mask_targets

__all__ = ['mask_targets']
