"""Two gloo processes do what one process with the double batch does."""
import glob
import json
import os
import pathlib
import subprocess
import sys

import pytest
import torch

from mmdet.checkpoint import read_checkpoint
from mmdet.curation.shapes import ShapesSpec, make_shapes

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = str(ROOT / 'tests' / 'engine' / 'train_without_chance.py')
CONFIG = str(ROOT / 'configs' / 'masktrack_rcnn_r18_fpn_shapes.py')


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'shapes'
    make_shapes(str(folder), ShapesSpec(3, 2, 4, (96, 64), 3, ('disc', 'box', 'triangle'), 0))
    return folder


def options(shapes, batch):
    """Frozen batch norm, and so few samples that every image has as many."""
    options = {f'data.{part}.{key}': value for part in ('train', 'val') for key, value in dict(
        ann_file=shapes / f'annotations/instances_{part}.json',
        img_prefix=shapes / part / 'JPEGImages', img_scale='(96,64)').items()}
    options.update({
        'data.imgs_per_gpu': batch,
        'data.workers_per_gpu': 0,
        'total_epochs': 1,
        'model.backbone.norm_eval': True,
        'train_cfg.rpn.sampler.num': 4,
        'train_cfg.rcnn.sampler.num': 8,
        'train_cfg.rpn.assigner.min_pos_iou': .01,
        'log_config.interval': 1,
        'num_threads': 1,
        'optimizer.type': 'SGD',
        'optimizer.lr': 0.01,
        'checkpoint_config.interval': 1
    })
    return [f'{key}={value}' for key, value in options.items()]


def train(shapes, work_dir, processes, batch, *flags):
    start = [sys.executable]
    if processes > 1:
        start += ['-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={processes}']
        flags += ('--launcher', 'pytorch')
    command = [*start, SCRIPT, CONFIG, '--work_dir', str(work_dir), '--seed', '3', *flags,
               '--cfg-options', *options(shapes, batch)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900,
                          env={**os.environ, 'OMP_NUM_THREADS': '1'})


def log(work_dir, mode):
    path, = glob.glob(f'{work_dir}/*.log.json')
    lines = [json.loads(line) for line in open(path)]
    return [{k: v for k, v in r.items() if k not in ('mode', 'time', 'data_time', 'memory')}
            for r in lines if r['mode'] == mode]


def test_two_processes_equal_one_with_the_double_batch(shapes, tmp_path):
    for name, processes, batch in ('one', 1, 4), ('two', 2, 2):
        done = train(shapes, tmp_path / name, processes, batch, '--validate')
        assert done.returncode == 0, done.stdout + done.stderr
    one, two = (log(tmp_path / n, 'train') for n in ('one', 'two'))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two):
        assert b == pytest.approx(a, rel=1e-4, abs=1e-5)
    assert log(tmp_path / 'two', 'val') == log(tmp_path / 'one', 'val')
    a, b = (read_checkpoint(str(tmp_path / n / 'latest.pth'))['state_dict'] for n in ('one', 'two'))
    assert set(a) == set(b)
    for key in a:
        torch.testing.assert_close(a[key], b[key], rtol=1e-4, atol=1e-6, msg=key)
