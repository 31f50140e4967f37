"""Data sets: annotation index, sampling of frame pairs, transforms, loading."""
from mmdet.datasets.builder import build_dataset, get_dataset
from mmdet.datasets.coco import CocoDataset
from mmdet.datasets.custom import CustomDataset
from mmdet.datasets.hooks_of_2019 import NAMES
from mmdet.datasets.loader import DistributedGroupSampler, GroupSampler, build_dataloader, collate
from mmdet.datasets.registry import DATASETS
from mmdet.datasets.voc import VOCDataset, XMLDataset
from mmdet.datasets.wrappers import ConcatDataset, RepeatDataset
from mmdet.datasets.ytvos import YTVOSDataset
from mmdet.utils.lazy import lazy_exports

__all__ = ['CocoDataset', 'ConcatDataset', 'CustomDataset', 'DATASETS', 'DistributedGroupSampler',
           'GroupSampler', 'RepeatDataset', 'VOCDataset', 'XMLDataset', 'YTVOSDataset',
           'build_dataloader', 'build_dataset', 'collate', 'get_dataset']
__getattr__ = lazy_exports(__name__, {}, NAMES)[0]
