"""The data sets a config can name."""
from mmdet.utils import Registry

DATASETS = Registry('dataset')
