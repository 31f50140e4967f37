"""A detector as a file that runs without this repository's model code."""
from mmdet.engine.export.network import Found, Network


__all__ = ['Found', 'Network']
