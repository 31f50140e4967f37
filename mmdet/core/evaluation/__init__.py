from .ytvos import YTVOS

__all__ = ['YTVOS']
