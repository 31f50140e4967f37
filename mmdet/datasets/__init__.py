"""Data sets: annotation index, sampling of frame pairs, transforms, loading."""
from .builder import build_dataset, get_dataset
from .coco import CocoDataset
from .custom import CustomDataset
from .loader import DistributedGroupSampler, GroupSampler, build_dataloader, collate
from .registry import DATASETS
from .voc import VOCDataset, XMLDataset
from .wrappers import ConcatDataset, RepeatDataset
from .ytvos import YTVOSDataset

__all__ = ['CocoDataset', 'ConcatDataset', 'CustomDataset', 'DATASETS', 'DistributedGroupSampler', 'GroupSampler',
           'RepeatDataset', 'VOCDataset', 'XMLDataset', 'YTVOSDataset', 'build_dataloader', 'build_dataset',
           'collate', 'get_dataset']
