"""What every room may use: registry, config, logging, errors, files. Nothing of mmdet, no torch."""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.utils.config': ['load_config'],
    'mmdet.utils.errors': ['UserError'],
    'mmdet.utils.fileio': ['atomic_write'],
    'mmdet.utils.logger': ['get_root_logger'],
    'mmdet.utils.registry': ['Registry', 'check_keys', 'nearest'],
})
