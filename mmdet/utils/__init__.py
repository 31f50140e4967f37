from .lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    '.config': ['load_config'],
    '.errors': ['meant_for_user', 'sentence'],
    '.fileio': ['atomic_write'],
    '.logger': ['get_root_logger'],
    '.registry': ['Registry', 'check_keys', 'nearest'],
})
