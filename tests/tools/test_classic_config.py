"""A config file written for the 2019 code trains, tests and scores as it is."""
import json
import pathlib
import subprocess
import sys

import cv2
import pytest
import torch

from mmdet.curation.shapes import ShapesSpec, draw_video, make_shapes
from mmdet.datasets import YTVOSDataset

ROOT = pathlib.Path(__file__).parents[2]
CLASSIC = ROOT / 'tests/data/configs/classic_2019.py'
SMALL = ['data.train.img_scale=(96,64)', 'data.test.img_scale=(96,64)']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A working folder with a tiny data set where the classic config expects one."""
    folder = tmp_path_factory.mktemp('classic')
    spec = ShapesSpec(train_videos=2, val_videos=1, length=2, size=(96, 64), seed=3)
    make_shapes(folder / 'made', spec)
    for part, name in (('train', 'train'), ('val', 'valid')):
        source = json.loads((folder / f'made/annotations/instances_{part}.json').read_text())
        source['categories'] = [dict(id=i + 1, name=name)
                                for i, name in enumerate(YTVOSDataset.CLASSES)]
        out = folder / f'data/annotations/instances_{part}_sub.json'
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(source))
        (folder / f'data/{name}').mkdir()
        (folder / f'made/{part}/JPEGImages').rename(folder / f'data/{name}/JPEGImages')
    assert draw_video(spec, 'val', 0)[0].shape == (2, 64, 96, 3)
    return folder


def run(folder, tool, *args):
    done = subprocess.run([sys.executable, ROOT / 'tools' / tool, *map(str, args)], cwd=folder,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope='module')
def checkpoint(folder):
    run(folder, 'train.py', CLASSIC, '--load_from', 'none', '--seed', 0, '--cfg-options',
        'model.pretrained=None', 'total_epochs=1', 'data.imgs_per_gpu=2', *SMALL)
    return folder / 'work_dirs/masktrack_rcnn_r50_fpn_1x_youtubevos/latest.pth'


def test_trains_to_the_classic_checkpoint(checkpoint, golden):
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    want = golden('model/state_dicts')['masktrack_rcnn_r50_fpn_1x_youtubevos.py']['state']
    assert {key: list(value.shape) for key, value in state.items()} == want
    assert (checkpoint.parent / 'curves.png').stat().st_size > 1000


def test_tests_twice_to_the_same_json_and_scores(folder, checkpoint):
    texts = []
    for out in ('a.pkl', 'b.pkl'):
        printed = run(folder, 'test_video.py', CLASSIC, checkpoint, '--out', out, '--eval', 'segm',
                      '--cfg-options', 'test_cfg.rcnn.score_thr=0.0', *SMALL)
        texts.append((folder / f'{out}.json').read_text())
    assert texts[0] == texts[1]
    records = json.loads(texts[0])
    assert records and all(len(r['segmentations']) == 2 for r in records)
    assert {r['video_id'] for r in records} == {1} and all(
        1 <= r['category_id'] <= 40 for r in records)
    assert printed.count('Average Precision') == 6 and printed.count('Average Recall') == 6


def test_small_frames_are_drawn_enlarged(folder, checkpoint):
    run(folder, 'test_video.py', CLASSIC, checkpoint, '--out', 'c.pkl', '--save_path', 'shown',
        '--show_format', 'png', '--cfg-options', 'test_cfg.rcnn.score_thr=0.0', *SMALL)
    frames = sorted((folder / 'shown').rglob('*.png'))
    height, width, _ = cv2.imread(str(frames[0])).shape
    assert len(frames) == 2 and height % 64 == 0 and width / height == 96 / 64
