from .registry import Registry, check_keys, nearest

__all__ = ['Registry', 'check_keys', 'nearest']
