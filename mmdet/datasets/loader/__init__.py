from mmdet.datasets.loader.build_loader import build_dataloader
from mmdet.datasets.loader.collate import collate
from mmdet.datasets.loader.sampler import DistributedGroupSampler, GroupSampler

__all__ = ['DistributedGroupSampler', 'GroupSampler', 'build_dataloader', 'collate']
