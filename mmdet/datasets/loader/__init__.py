from .build_loader import build_dataloader
from .collate import collate
from .sampler import DistributedGroupSampler, GroupSampler

__all__ = ['DistributedGroupSampler', 'GroupSampler', 'build_dataloader', 'collate']
