"""A small detector and batch that need no file."""
import copy
import pathlib

import pytest
import torch
from mmengine import Config

from mmdet.models import build_detector

CONFIGS = pathlib.Path(__file__).parents[2] / 'configs'


@pytest.fixture(scope='session')
def _shapes_config():
    return Config.fromfile(CONFIGS / 'masktrack_rcnn_r18_fpn_shapes.py')


@pytest.fixture
def cfg(_shapes_config):
    """The config of the small data set; free to change."""
    return copy.deepcopy(_shapes_config)


@pytest.fixture
def build():
    """Build the detector of a config."""
    return lambda cfg: build_detector(cfg.model, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)


def image_meta(h, w):
    return dict(img_shape=(h, w, 3), ori_shape=(h, w, 3), pad_shape=(h, w, 3), scale_factor=1.0)


@pytest.fixture
def batch():
    """Two frame pairs of 64x96 with 2 and 1 objects."""
    masks = torch.zeros(2, 64, 96, dtype=torch.uint8)
    masks[0, 5:31, 5:41] = 1
    masks[1, 30:61, 50:91] = 1
    boxes = torch.tensor([[5., 5, 40, 30], [50, 30, 90, 60]])
    return dict(
        img=torch.randn(2, 3, 64, 96), ref_img=torch.randn(2, 3, 64, 96),
        img_meta=[image_meta(64, 96) for _ in range(2)],
        gt_bboxes=[boxes, boxes[:1]], gt_labels=[torch.tensor([1, 2]), torch.tensor([3])],
        gt_masks=[masks, masks[:1]], ref_bboxes=[boxes, boxes[1:]],
        gt_pids=[torch.tensor([1, 2]), torch.tensor([0])],
        gt_bboxes_ignore=[torch.zeros(0, 4)] * 2)


@pytest.fixture
def frames():
    """Makes n random frames and their meta."""

    def make(n, seed=0):
        g = torch.Generator().manual_seed(seed)
        return [(torch.randn(1, 3, 64, 96, generator=g), image_meta(64, 96)) for _ in range(n)]

    return make
