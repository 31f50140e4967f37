"""Files of mmdetection, mmtracking and runs through the tools that convert and publish them."""
import hashlib
import importlib.util
import logging
import pathlib

import pytest
import torch

from mmdet.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
from mmdet.checkpoint.upgrade import upgrade
from mmdet.models import build_detector
from mmdet.utils import load_config
from mmdet.utils.cli import run_tool

QUIET = logging.getLogger('quiet')
TOOLS = pathlib.Path(__file__).parents[2] / 'tools'


def run(name, *args):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(arg) for arg in args])


@pytest.fixture(scope='module')
def whole(tiny):
    """Weights of the tiny tracker."""
    return read_checkpoint(tiny.checkpoint)['state_dict']


def theirs(whole, path, tracker):
    """As mmtracking or mmdetection 2 write them: background last, or without a row."""
    state = {}
    for key, value in whole.items():
        if key.startswith('track_head.'):
            if tracker:
                state[key.replace('track_head.', 'track_head.embed_head.')] = value
            continue
        if 'fc_cls' in key:
            value = torch.cat([value[1:], value[:1]])
        elif 'fc_reg' in key or 'conv_logits' in key:
            value = value[4 if 'fc_reg' in key else 1:]
        key = 'roi_head.' * key.startswith(('bbox_head', 'mask_head')) + key
        state['detector.' * tracker + key] = value
    save_checkpoint(dict(
        state_dict=dict(state, **{'data_preprocessor.mean': torch.zeros(3)}),
        optimizer=dict(state={}, param_groups=[]),
        meta=dict(mmdet_version='2.25.0', mmcv_version='1.6.0', CLASSES=('disc', 'box'))), path)


def model_of(tiny):
    cfg = load_config(tiny.config)
    return build_detector(cfg.model, test_cfg=cfg.test_cfg)


def is_whole(state, whole):
    """Equal but for the rows of the background, which they do not have."""
    for key, value in whole.items():
        rows = 4 if 'fc_reg' in key else 1 if 'conv_logits' in key else 0
        got = state[key]
        if rows:
            assert got[:rows].abs().sum() == 0
            got, value = got[rows:], value[rows:]
        assert torch.equal(got, value), key


@pytest.mark.parametrize('tracker, name', [(False, 'mmdetection 2.25.0'), (True, 'mmtracking')])
def test_files_of_others_load_and_become_ours(tiny, whole, tmp_path, capsys, tracker, name):
    path, model = tmp_path / 'theirs.pth', model_of(tiny)
    theirs(whole, path, tracker)
    report = load_checkpoint(model, str(path), logger=QUIET)
    assert name.partition(' ')[0] in report.note
    whole = {key: value for key, value in whole.items() if tracker or 'track_head' not in key}
    is_whole(model.state_dict(), whole)
    run('upgrade_checkpoint', path, tmp_path / 'ours.pth', '--config', tiny.config)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f'written by {name}'
    assert said[1].startswith(f'{len(whole)} tensors, ') and 'roi_head.' in said[1] or tracker
    assert 'bbox_head.fc_cls.weight' in said[2]
    assert said[3] == 'left out: data_preprocessor.mean, "optimizer"'
    assert said[4].startswith('set final_relu=True' if tracker else 'boxes end on their last')
    fits = said.index(f'{tiny.config}: {len(report.loaded)} tensors fit')
    assert len(said) - fits - 1 == len(report.missing) == (0 if tracker else 4)
    ours = read_checkpoint(str(tmp_path / 'ours.pth'))
    assert ours['meta']['CLASSES'] == ['disc', 'box'] and set(ours) == {'meta', 'state_dict'}
    is_whole(ours['state_dict'], whole)


def ssd(golden, background_last, names):
    """SSD as of 2.14 and later (names 'new') or before, and what it is here."""
    shapes = golden('model/state_dicts')['ssd300_coco.py']['state']
    ours = {key: torch.rand(shape) for key, shape in shapes.items() if '.features.' not in key}
    state = {}
    for key, value in ours.items():
        if 'cls_convs' in key and background_last:
            rows = value.reshape(-1, 81, *value.shape[1:])
            value = torch.cat([rows[:, 1:], rows[:, :1]], dim=1).reshape(value.shape)
        part, kind = key.split('.')[1:3], key.rpartition('.')[2]
        if names == 'new' and 'extra' in key:
            i = int(part[1])
            key = f'neck.extra_layers.{i // 2}.{i % 2}.conv.{kind}'
        elif names == 'new' and 'l2_norm' in key:
            key = 'neck.l2_norm.weight'
        elif names == 'new' and '_convs' in key:
            key = f'bbox_head.{part[0]}.{part[1]}.0.{kind}'
        state[key] = value
    state['backbone.features.0.bias'] = ours['backbone.features.0.bias'] = torch.rand(64)
    return state, ours


@pytest.mark.parametrize('version, last, names', [
    ('2.28.0', True, 'new'), ('3.1.0', True, 'new'), ('2.10.0', True, 'old'),
    ('1.2.0', False, 'old')])
def test_ssd_of_any_version(golden, version, last, names):
    state, ours = ssd(golden, last, names)
    done = upgrade(dict(state_dict=state, meta=dict(mmdet_version=version, mmcv_version='1')), 'x')
    got = done.checkpoint['state_dict']
    assert got.keys() == ours.keys() and all(torch.equal(got[key], ours[key]) for key in ours)
    assert len(done.changed) == 12 * last and bool(done.notes) == last


@pytest.mark.parametrize('content, message', [
    (dict(meta={}), 'holds no weights'),
    (dict(state_dict={'blocks.0.weight': torch.zeros(1)}), 'no detector of')])
def test_what_is_no_detector_is_refused(tmp_path, capsys, content, message):
    path = tmp_path / 'x.pth'
    save_checkpoint(content, path)
    for out in ('y.pth', 'x.pth'):
        with pytest.raises(SystemExit):
            run_tool(lambda: run('upgrade_checkpoint', path, tmp_path / out))
        assert (message if out == 'y.pth' else 'is the file to convert') in capsys.readouterr().err


def test_published_weights_carry_their_hash_and_nothing_else(tiny, whole, tmp_path, capsys):
    path = tmp_path / 'epoch_1.pth'
    raw = {f'module.{key}': value + 1 for key, value in whole.items()}
    save_checkpoint(dict(
        state_dict=whole, ema_state_dict=raw, optimizer=dict(state={}, param_groups=[]),
        meta=dict(epoch=1, config='work_dir = "/home/me"', CLASSES=['disc', 'box', 'triangle'])),
        path)
    for out in ('small.pth', 'again'):
        run('publish_model', path, tmp_path / out)
    small, again = (pathlib.Path(line.partition(':')[0])
                    for line in capsys.readouterr().out.splitlines())
    digest = hashlib.sha256(small.read_bytes()).hexdigest()[:8]
    assert (small.name, again.name) == (f'small-{digest}.pth', f'again-{digest}.pth')
    content = read_checkpoint(str(small))
    assert content['meta'] == dict(epoch=1, CLASSES=['disc', 'box', 'triangle'])
    assert set(content) == {'meta', 'state_dict'}
    assert small.stat().st_size < path.stat().st_size / 1.9
    model = model_of(tiny)
    load_checkpoint(model, str(small), strict=True, logger=QUIET)
    assert all(torch.equal(value, whole[key]) for key, value in model.state_dict().items())
