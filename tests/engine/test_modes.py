"""The real detector in every mode of computing: the losses stay what they are."""
import copy
import glob
import json
import pathlib

import pytest
import torch
from torch import nn

from mmdet.apis import train_detector
from mmdet.curation.shapes import ShapesSpec, make_shapes
from mmdet.datasets import build_dataset
from mmdet.engine.updater import Updater
from mmdet.models import build_detector
from mmdet.utils import load_config

CONFIG = pathlib.Path(__file__).parents[2] / 'configs' / 'masktrack_rcnn_r18_fpn_shapes.py'


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'shapes'
    make_shapes(str(folder), ShapesSpec(2, 0, 2, (96, 64), 3))
    return folder


def first_losses(shapes, work_dir, **changes):
    """What one epoch of two steps logs."""
    cfg = load_config(str(CONFIG), {
        'data.train.ann_file': str(shapes / 'annotations/instances_train.json'),
        'data.train.img_prefix': str(shapes / 'train/JPEGImages'), 'data.imgs_per_gpu': 2,
        'data.train.img_scale': (96, 64), 'total_epochs': 1, 'num_threads': 1, 'seed': 1,
        'work_dir': str(work_dir), 'log_config.interval': 1,
        # every candidate trains: which ones are drawn would hang on the last bit of a score
        'train_cfg.rpn.sampler.num': 10**7, 'train_cfg.rcnn.sampler.num': 10**7, **changes})
    # untrained scores tie in bfloat16, and which proposals survive then is the seed's
    torch.manual_seed(2)
    model = build_detector(copy.deepcopy(cfg.model), cfg.train_cfg, cfg.test_cfg)
    train_detector(model, build_dataset(cfg.data.train), cfg)
    path, = glob.glob(f'{work_dir}/*.log.json')
    return [json.loads(line) for line in open(path)]


@pytest.fixture(scope='module')
def plain(shapes, tmp_path_factory):
    return first_losses(shapes, tmp_path_factory.mktemp('plain'))


@pytest.mark.parametrize('changes, tolerance', [
    ({'channels_last': True}, 1e-3),
    pytest.param({'model.backbone.with_cp': True}, 1e-3, marks=pytest.mark.slow),
    pytest.param({'compile': dict(backend='eager')}, 1e-3, marks=pytest.mark.slow),
    ({'fp16.loss_scale': 512.}, .05)])
def test_losses_of_the_first_step(shapes, plain, tmp_path, changes, tolerance):
    got = first_losses(shapes, tmp_path, **changes)
    names = [key for key in plain[0] if 'loss' in key]
    assert len(names) == 7 and len(got) == 2
    for name in names:
        assert got[0][name] == pytest.approx(plain[0][name], rel=tolerance, abs=tolerance / 10)
        assert got[1][name] == pytest.approx(plain[1][name], rel=10 * tolerance, abs=tolerance)


def test_two_accumulated_batches_are_one_step(shapes, plain, tmp_path):
    got = first_losses(shapes, tmp_path, **{'optimizer_config.accumulation': 2})
    assert got[0]['loss'] == pytest.approx(plain[0]['loss'], rel=1e-5)
    assert got[1]['loss_mask'] != pytest.approx(plain[1]['loss_mask'], rel=1e-4)
    assert 'grad_norm' not in got[0] and got[1]['grad_norm'] > 0


def test_the_config_says_how_a_resumed_optimizer_computes():
    def adam(**options):
        weight = nn.Parameter(torch.ones(2, device='meta'))  # stands for a GPU
        return Updater(torch.optim.AdamW([weight], **options))
    saved = adam().state_dict()
    saved['state'] = {0: dict(step=torch.tensor(3.), exp_avg=torch.ones(2),
                              exp_avg_sq=torch.ones(2))}
    for capturable, device in ((True, 'meta'), (False, 'cpu')):
        updater = adam(capturable=capturable)
        updater.load_state_dict(saved)
        state, = updater.optimizer.state.values()
        assert state['step'].device.type == device
