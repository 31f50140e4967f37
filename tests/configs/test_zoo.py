"""All config files of 2019, as a user has them, and this repository's own under the same names."""
import pathlib
import tarfile

import numpy as np
import pytest
import torch

from mmdet.datasets import build_dataset
from mmdet.datasets.loader import collate
from mmdet.engine.trainer import total_loss
from mmdet.models import ResNet, ResNeXt, build_detector
from mmdet.utils import load_config

from classic_data import write_all

ROOT = pathlib.Path(__file__).parents[2]
ARCHIVE = ROOT / 'tests/data/configs/configs_2019.tar.xz'
with tarfile.open(ARCHIVE) as archive:
    NAMES = sorted(archive.getnames())
# the trackers' configs of this repository are the fork's with other paths and weights
ZOO = [name for name in NAMES if 'youtubevos' not in name]


@pytest.fixture(scope='session')
def classic(tmp_path_factory):
    """A folder with the files of 2019, and the data they name."""
    folder = tmp_path_factory.mktemp('configs_2019')
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter='data')
    write_all(folder)
    return folder


@pytest.mark.parametrize('name', NAMES)
def test_a_checkpoint_of_2019_fits(name, classic, golden):
    cfg, want = load_config(str(classic / name)), golden('model/state_dicts')[name]
    cfg.model.pretrained = None
    with torch.device('meta'):
        model = build_detector(cfg.model, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)
    assert {key: list(value.shape) for key, value in model.state_dict().items()} == want['state']
    assert sum(not p.requires_grad for p in model.parameters()) == want['frozen']


@pytest.mark.parametrize('name', [
    pytest.param(n, marks=pytest.mark.slow if '_r101_' in n or '_64x4d_' in n else ())
    for n in NAMES])
def test_a_file_of_2019_runs(name, classic, monkeypatch):
    """A training step and a test image; every stage of the backbone has one block.

    So thin, the slow ones say the same as those with ResNet-50 and ResNeXt-101 32x4d.
    """
    monkeypatch.chdir(classic)
    for kind in (ResNet, ResNeXt):
        monkeypatch.setattr(kind, 'arch_settings', {
            depth: (block, (1, 1, 1, 1)) for depth, (block, _) in kind.arch_settings.items()})
    cfg = small(load_config(name))
    model = build_detector(cfg.model, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)
    step(model.train(), build_dataset(cfg.data.train))
    check_result(model, *found(model.eval(), build_dataset(cfg.data.test)))


def small(cfg):
    """What a user would write behind ``--cfg-options`` to try a config on a laptop."""
    cfg.model.pretrained = None
    ssd = cfg.model.backbone.type == 'SSDVGG'
    if ssd:
        cfg.model.backbone.update(depth=11, out_feature_indices=(14, 24))
    for head in listed(cfg.model, 'bbox_head') + listed(cfg.model, 'track_head'):
        if 'fc_out_channels' in head:
            head.fc_out_channels = 64
    for data in (cfg.data.train.get('dataset', cfg.data.train), cfg.data.test):
        data.img_scale = (264, 264) if ssd else (96, 64)
    if 'rpn' in cfg.test_cfg:
        cfg.test_cfg.rpn.max_num = 30
    for stage in listed(cfg.train_cfg, 'rcnn'):
        stage.sampler.num = 16
    return cfg


def listed(cfg, key):
    value = cfg.get(key) or []
    return value if isinstance(value, list) else [value]


def step(model, dataset):
    batch, preprocess = collate([dataset[0]]), dataset.preprocessor()
    frames = {key: preprocess(batch.pop(key)) for key in ('img', 'ref_img') if key in batch}
    total, values = total_loss(model(return_loss=True, **frames, **batch))
    total.backward()
    assert all(value.isfinite() for value in values.values()) and values['loss'] > 0
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    assert grads and all(grad.isfinite().all() for grad in grads)


def found(model, dataset):
    """Boxes with scores, and whether there are masks."""
    item = dataset[0]
    img = dataset.preprocessor()([item['img']])
    if dataset.is_video:
        result, _ = model.track(img, item['img_meta'])
        return np.concatenate([result.boxes, result.scores[:, None]], 1), len(result.masks)
    result = model.detect(img, item['img_meta'],
                          *([item['proposals']] if 'proposals' in item else []))
    boxes, masks = result if isinstance(result, tuple) else (result, [])
    return np.concatenate([boxes] if isinstance(boxes, np.ndarray) else boxes), sum(map(len, masks))


def check_result(model, boxes, num_masks):
    """Inside the picture; untrained classifiers of 80 classes may find nothing."""
    assert boxes.shape[1] == 5 and np.isfinite(boxes).all()
    assert (boxes[:, :4] >= 0).all() and (boxes[:, [0, 2]] < 96).all()
    assert (boxes[:, [1, 3]] < 64).all()
    assert num_masks in (0, len(boxes)) and (len(boxes) or not hasattr(model, 'bbox_roi_extractor')
                                             or model.num_classes > 20)


def plain(value):
    """Lists for tuples; without what is None, and what only a mask head reads."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items() if v is not None}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize('name', ZOO)
def test_our_files_say_what_those_of_2019_said(name, classic):
    ours, theirs = (load_config(str(folder / name)) for folder in (ROOT / 'configs', classic))
    assert ours.model.pretrained.replace('torchvision', 'modelzoo') == theirs.model.pretrained
    ours.model.pretrained = theirs.model.pretrained
    for part in theirs.train_cfg.get('rcnn') or []:
        if name.startswith('cascade_rcnn'):
            part.mask_size = 28  # our file shares its settings with the one that has masks
    theirs.data.test.with_mask = ours.data.test.with_mask  # read in training only
    for key in theirs.keys() - {'work_dir', 'input_size', 'normalize'}:
        assert plain(ours[key]) == plain(theirs[key]), key


@pytest.mark.parametrize('name', sorted(path.name for path in (ROOT / 'configs/shapes').iterdir()))
def test_small_files_build(name):
    cfg = load_config(str(ROOT / 'configs/shapes' / name))
    with torch.device('meta'):
        model = build_detector(cfg.model, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)
    assert sum(p.numel() for p in model.parameters()) < 20e6
