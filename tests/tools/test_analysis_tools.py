"""get_flops.py, print_config.py and browse_dataset.py as a user runs them."""
import importlib.util
import json
import pathlib

import cv2
import numpy as np
import pytest

from mmdet.utils import load_config
from mmdet.utils.cli import run_tool

ROOT = pathlib.Path(__file__).parents[2]
TOOLS = ROOT / 'tools/analysis'


def run(name, *args):
    spec = importlib.util.spec_from_file_location(f'{name}_tool', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(arg) for arg in args])


def conv(positions, kernel, inputs, outputs):
    return 2 * positions * kernel ** 2 * inputs * outputs


def test_flops_and_parameters_are_those_of_the_layers(tiny, tmp_path, capsys):
    run('get_flops', tiny.config, '--shape', '160x96', '--json', tmp_path / 'flops.json')
    content = json.loads((tmp_path / 'flops.json').read_text())
    parts = {row['part']: row for row in content['parts']}
    cells = [h * w for h, w in ((24, 40), (12, 20), (6, 10), (3, 5), (2, 3))]
    assert parts['rpn_head']['flops'] == sum(
        conv(n, 3, 64, 64) + conv(n, 1, 64, 3) + conv(n, 1, 64, 12) for n in cells)
    assert parts['neck']['flops'] == sum(
        conv(n, 1, c, 64) + conv(n, 3, 64, 64) for n, c in zip(cells, (64, 128, 256, 512)))
    rois = parts['bbox_head']['input'][0]
    assert rois > 1 and parts['bbox_head']['flops'] == 2 * rois * (
        64 * 49 * 128 + 128 * 128 + 128 * (4 + 16))
    found = parts['track_head']['input'][0]
    assert parts['track_head']['flops'] >= 2 * found * (64 * 49 * 128 + 128 * 128)
    assert sum(row['params'] for row in parts.values()) == sum(
        p.numel() for p in tiny.detector.parameters())
    assert parts['backbone']['params'] - parts['backbone']['trained'] > 64 * 3 * 49  # stem, stage 1
    said = capsys.readouterr().out
    assert 'MaskTrackRCNN, 160x96' in said and '1x3x96x160' in said


@pytest.mark.parametrize('config, part', [
    ('fast_rcnn_r50_fpn_1x', 'bbox_head'), ('faster_rcnn_r50_fpn_1x', 'rpn_head'),
    ('rpn_r50_fpn_1x', 'rpn_head')])
def test_flops_of_image_detectors(tmp_path, capsys, config, part):
    run('get_flops', ROOT / f'configs/{config}.py', '--shape', '64x64', '--json',
        tmp_path / 'x.json', '--cfg-options', 'model.backbone.depth=18',
        'model.neck.in_channels=[64,128,256,512]', 'data.test.num_max_proposals=5')
    parts = {row['part']: row for row in json.loads((tmp_path / 'x.json').read_text())['parts']}
    assert parts[part]['flops'] > 0 and parts['backbone']['input'] == [1, 3, 64, 64]
    if config.startswith('fast_'):  # no RPN chooses their number
        assert parts['bbox_head']['input'][0] == 5


def test_a_frame_too_small_is_one_sentence(capsys):
    with pytest.raises(SystemExit):
        run_tool(lambda: run('get_flops', ROOT / 'configs/ssd300_coco.py', '--shape', '64x64'))
    assert 'cannot take a frame of 64x64' in capsys.readouterr().err


def test_a_printed_config_is_that_config(tiny, tmp_path, capsys):
    run('print_config', tiny.config, '--cfg-options', 'optimizer.lr=0.5')
    (tmp_path / 'mine.py').write_text(capsys.readouterr().out)
    mine, theirs = load_config(str(tmp_path / 'mine.py')), load_config(tiny.config)
    theirs.optimizer.lr = 0.5
    assert mine.to_dict() == theirs.to_dict()


def test_training_items_are_drawn_beside_their_reference(tiny, tmp_path, capsys):
    options = ['--cfg-options', f'data.train.ann_file={tiny.folder / "test.json"}',
               f'data.train.img_prefix={tiny.folder / "frames"}', 'data.train.flip_ratio=0',
               'data.train.img_scale=(160,96)']
    run('browse_dataset', tiny.config, '--out', tmp_path, '--indices', '0', '2', *options)
    said = capsys.readouterr().out.splitlines()
    pictures = [tmp_path / f'train_0_{i:06d}.jpg' for i in (0, 2)]
    assert [line.partition(': ')[0] for line in said] == list(map(str, pictures))
    sheet = cv2.imread(str(pictures[0]))
    scale = sheet.shape[0] // 96
    assert scale > 1 and sheet.shape[1] == 2 * 160 * scale + 8
    frame = cv2.imread(str(tiny.folder / 'frames' / said[0].partition(': ')[2]))
    shown = cv2.resize(sheet[:, :160 * scale], (160, 96), interpolation=cv2.INTER_AREA)
    close = np.abs(shown.astype(int) - frame).max(axis=2) < 40
    assert .3 < close.mean() < 1  # the frame, with objects painted over
    with pytest.raises(SystemExit):
        run_tool(lambda: run('browse_dataset', tiny.config, '--indices', '999', *options))
    assert '--indices 999: data.train has ' in capsys.readouterr().err


def test_time_and_memory_by_objects_ever_seen(tiny, capsys):
    run('benchmark_memory', tiny.config, '--objects', 20, 400, '--max-age', 4, '--frames', 1,
        '--cfg-options', 'test_cfg.track.cues.MotionMaskIoU.weight=1')
    rows = [[cell.strip() for cell in line.split('|')[1:-1]]
            for line in capsys.readouterr().out.splitlines() if line.startswith('| ')]
    assert [row[:3] for row in rows[1:]] == [
        ['20', 'none', '20'], ['400', 'none', '400'], ['20', '4', '20'], ['400', '4', '120']]
    with pytest.raises(SystemExit):
        run_tool(lambda: run('benchmark_memory', tiny.config, '--objects', '5'))
    assert '--objects 5: expected 10 or more' in capsys.readouterr().err
