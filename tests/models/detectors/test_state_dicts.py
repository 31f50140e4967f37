"""Checkpoints of the 2019 code fit: same keys, same shapes, same frozen parameters."""
import pathlib

import pytest
import torch
from mmengine import Config

from mmdet.models import MaskRCNN, MaskTrackRCNN, build_detector

CONFIGS = ['masktrack_rcnn_r50_fpn_1x_youtubevos.py', 'mask_rcnn_r50_fpn_1x_youtubevos.py']
FOLDER = pathlib.Path(__file__).parents[3] / 'configs'


@pytest.mark.parametrize('name', CONFIGS)
def test_state_dict_equals_golden(name, golden):
    want = golden('model/state_dicts')[name]
    cfg = Config.fromfile(FOLDER / name)
    cfg.model.pretrained = None
    with torch.device('meta'):
        model = build_detector(cfg.model, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)
    got = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert got == want['state']
    assert sum(not p.requires_grad for p in model.parameters()) == want['frozen']


def test_classic_type_with_track_head_builds_the_tracker(cfg):
    cfg.model.type = 'MaskRCNN'
    assert type(build_detector(cfg.model, cfg.train_cfg, cfg.test_cfg)) is MaskTrackRCNN
    cfg.model.track_head = None
    assert type(build_detector(cfg.model, cfg.train_cfg, cfg.test_cfg)) is MaskRCNN
    assert cfg.model.type == 'MaskRCNN'  # the config is left as it was
