"""Weights and training states: read safely, fetched, converted, loaded with a report, written."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.checkpoint.load': ['load_checkpoint'],
    'mmdet.checkpoint.read': ['read_checkpoint'],
    'mmdet.checkpoint.report': ['LoadReport'],
    'mmdet.checkpoint.save': ['save_checkpoint'],
})
