"""Parts of a detector that do not fit together are refused before training, by their keys."""
import pathlib

import pytest
from mmengine.config import Config

from mmdet.core.bbox import build_sampler
from mmdet.models import build_detector

SHAPES = pathlib.Path(__file__).parents[2] / 'configs' / 'masktrack_rcnn_r18_fpn_shapes.py'


@pytest.fixture(scope='module')
def cfg():
    return Config.fromfile(SHAPES)


@pytest.mark.parametrize('change, said', [
    ({'backbone.depth': 50}, r'neck.in_channels is \[64, 128, 256, 512\], but model.backbone '
     r'\(depth=50\) gives \[256, 512, 1024, 2048\]'),
    ({'neck.out_channels': 128}, r'rpn_head.in_channels is 64, but model.neck gives 128'),
    ({'rpn_head.anchor_strides': [4, 8, 16]}, 'anchor_strides has 3 entries, .* gives 5 levels'),
    ({'bbox_roi_extractor.out_channels': 32}, 'bbox_roi_extractor.out_channels is 32'),
    ({'mask_head.in_channels': 32}, 'mask_head.in_channels is 32, but model.mask_roi_extractor'),
    ({'track_head.roi_feat_size': 14}, r'track_head.roi_feat_size is 14.*roi_layer gives 7 cells'),
    ({'bbox_roi_extractor.featmap_strides': [4] * 6}, 'featmap_strides has 6 entries'),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else '')
def test_parts_that_do_not_fit_are_named(cfg, change, said):
    model = cfg.model.to_dict()
    for key, value in change.items():
        part, name = key.split('.')
        model[part][name] = value
    with pytest.raises(ValueError, match=said):
        build_detector(model, cfg.train_cfg, cfg.test_cfg)


def test_a_depth_written_as_text_is_told(cfg):
    model = cfg.model.to_dict()
    model['backbone']['depth'] = '18'
    with pytest.raises(KeyError, match=r"ResNet has depth \[18, .*, got '18'"):
        build_detector(model, cfg.train_cfg, cfg.test_cfg)


def test_a_square_size_may_be_written_as_two_numbers(cfg):
    model = cfg.model.to_dict()
    model['bbox_roi_extractor']['roi_layer']['out_size'] = (7, 7)
    build_detector(model, cfg.train_cfg, cfg.test_cfg)


@pytest.mark.parametrize('num', [0, -1, '512', 1.5])
def test_a_sampler_that_draws_nothing_is_refused(num):
    with pytest.raises(ValueError, match='RandomSampler: num must be a whole number from 1 up'):
        build_sampler(dict(type='RandomSampler', num=num, pos_fraction=.5))


def test_a_key_that_is_left_out_has_the_default_of_its_class(cfg):
    model = cfg.model.to_dict()
    del model['track_head']['roi_feat_size']  # 7, as pooled
    del model['mask_head']['in_channels']  # 256, but 64 are pooled
    with pytest.raises(ValueError, match='mask_head.in_channels is 256, but .* gives 64'):
        build_detector(model, cfg.train_cfg, cfg.test_cfg)
