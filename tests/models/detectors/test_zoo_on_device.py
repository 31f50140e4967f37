"""The detectors of mmdetection on the pretend device: a training step and a test of each."""
import copy

import numpy as np
import pytest
import torch
from mmengine import ConfigDict
from test_detectors_on_device import assert_steps_equal, track

DETECTORS = ('rpn retinanet ssd300 fast_mask_rcnn faster_rcnn_ohem mask_rcnn_gn '
             'cascade_mask_rcnn').split()
KEYS = ('img', 'img_meta', 'gt_bboxes', 'gt_labels', 'gt_masks')


@pytest.fixture
def model(golden, build):
    """Makes the small detector of a recording, which finds things without training."""

    def make(name):
        cfg = ConfigDict(golden(f'model/image_{name}_a')['config'])
        if name == 'ssd300':
            cfg.model.backbone.update(depth=11, out_feature_indices=(14, 24))
        if name != 'rpn':
            (cfg.test_cfg.get('rcnn') or cfg.test_cfg).score_thr = 0.
        return build(cfg)

    return make


@pytest.fixture
def images(batch):
    """A training batch of images."""
    return {key: batch[key] for key in KEYS}


def enlarged(batch):
    """In 264x264: SSD's last maps would be empty in less."""
    shape = (264, 264, 3)
    meta = dict(img_shape=shape, ori_shape=shape, pad_shape=shape, scale_factor=1.0)
    return dict(batch, img=torch.randn(2, 3, 264, 264), img_meta=[meta] * 2)


@pytest.mark.parametrize('name', DETECTORS)
def test_a_step_and_a_test_equal_the_cpus(pretend, model, images, name):
    model, given = model(name), ()
    if name == 'ssd300':
        images = enlarged(images)
    if name.startswith('fast_'):
        given = [torch.tensor([[4., 6, 44, 33, .9], [48, 28, 92, 62, .8], [0, 0, 20, 60, .3]])]
        images['proposals'] = given * 2
    assert_steps_equal(pretend, model.train(), images)
    there = copy.deepcopy(model.eval()).to(pretend.device)
    img, meta = images['img'][:1], images['img_meta'][0]
    assert_found_equal(there.detect(pretend.put(img), meta, *map(pretend.put, given)),
                       model.detect(img, meta, *given))


def test_flips_and_scales_equal_the_cpus(pretend, model, images):
    model = model('mask_rcnn_gn').eval()
    there = copy.deepcopy(model).to(pretend.device)
    half = dict(images['img_meta'][0], img_shape=(32, 48, 3), pad_shape=(32, 48, 3),
                scale_factor=.5, flip=True)
    imgs = [images['img'][:1], images['img'][1:, :, ::2, ::2].contiguous()]
    metas = [images['img_meta'][0], half]
    assert_found_equal(there.detect([pretend.put(img) for img in imgs], metas),
                       model.detect(imgs, metas))


def assert_found_equal(got, want):
    """Boxes of every class, and masks if there are any."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        for stage in want:
            assert_found_equal(got[stage], want[stage])
        return
    if isinstance(want, tuple):
        assert got[1] == want[1]
        got, want = got[0], want[0]
    want = np.concatenate([want] if isinstance(want, np.ndarray) else want)
    got = np.concatenate([got] if isinstance(got, np.ndarray) else got)
    assert len(want)
    np.testing.assert_allclose(got, want, atol=1e-4)


def cascade(cfg):
    """The tracker's config with three box heads, each agnostic of classes."""
    head = dict(cfg.model.bbox_head, reg_class_agnostic=True)
    cfg.model.update(type='CascadeRCNN', num_stages=3, bbox_head=[dict(head) for _ in range(3)])
    cfg.train_cfg.update(rcnn=[copy.deepcopy(cfg.train_cfg.rcnn) for _ in range(3)],
                         stage_loss_weights=[1, .5, .25])
    cfg.test_cfg.keep_all_stages = False


def boxes_only(cfg):
    cfg.model.type = 'TwoStageDetector'
    for part in ('mask_head', 'mask_roi_extractor'):
        cfg.model.pop(part)


def mining(cfg):
    cfg.train_cfg.rcnn.sampler = dict(type='OHEMSampler', num=12, pos_fraction=.25,
                                      neg_pos_ub=-1, add_gt_as_proposals=True)


@pytest.mark.parametrize('change', [cascade, boxes_only, mining])
def test_trackers_on_any_detector_equal_the_cpus(pretend, cfg, build, batch, frames, change):
    change(cfg)
    cfg.test_cfg.rcnn.score_thr = 0.
    model = build(cfg)
    assert_steps_equal(pretend, model.train(), batch)
    there = copy.deepcopy(model.eval()).to(pretend.device)
    clip = frames(2)
    for got, want in zip(track(there, clip, pretend.put), track(model, clip), strict=True):
        np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-4)
        assert len(want.boxes) and np.array_equal(got.obj_ids, want.obj_ids)
        assert got.masks == want.masks
