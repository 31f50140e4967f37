"""Configs of the other data sets change only data and classes, modern ones only tracking."""
import json
import pathlib

import cv2
import numpy as np
import pytest
import torch

from mmdet.datasets import build_dataset
from mmdet.models import build_detector
from mmdet.utils import load_config

CONFIGS = pathlib.Path(__file__).parents[2] / 'configs'
BASE = load_config(str(CONFIGS / 'masktrack_rcnn_r50_fpn_1x_youtubevos.py'))
SETS = {'youtubevis2021': (41, 'train/instances.json', 'train/JPEGImages'),
        'youtubevis2022': (41, 'train/instances.json', 'train/JPEGImages'),
        'ovis': (26, 'annotations_train.json', 'train')}


def flat(cfg, prefix=''):
    for key, value in cfg.items():
        if isinstance(value, dict):
            yield from flat(value, f'{prefix}{key}.')
        else:
            yield prefix + key, value


def load(name):
    return load_config(str(CONFIGS / f'masktrack_rcnn_r50_fpn_1x_{name}.py'))


@pytest.mark.parametrize('name', SETS)
def test_what_changes(name):
    ours, base = dict(flat(load(name))), dict(flat(BASE))
    changed = {key for key in {*ours, *base} if ours.get(key) != base.get(key)}
    names = {'ann_file', 'img_prefix', 'classes', 'num_classes', 'work_dir', 'data_root'}
    assert {key.rsplit('.', 1)[-1] for key in changed} <= names
    count = ours['model.bbox_head.num_classes']
    assert count == ours['model.mask_head.num_classes'] == SETS[name][0]
    assert len(set(ours['data.train.classes'])) == count - 1


@pytest.mark.parametrize('name', [
    'masktrack_rcnn_r50_fpn_1x_youtubevos', 'masktrack_rcnn_r18_fpn_shapes_hard'])
def test_modern_tracking_over_the_same_weights(name):
    base, modern = (load_config(str(CONFIGS / f'{name}{end}.py')) for end in ('', '_modern'))
    ours, before = dict(flat(modern)), dict(flat(base))
    changed = {key for key in {*ours, *before} if ours.get(key) != before.get(key)}
    assert changed and all(key.startswith('test_cfg.track.') or key == 'work_dir'
                           for key in changed)
    with torch.device('meta'):
        detector = build_detector({**modern.model, 'pretrained': None}, test_cfg=modern.test_cfg)
    assert detector.tracking.embedding.size == 20 and not detector.tracking.reads


@pytest.mark.parametrize('name', SETS)
def test_official_layout_is_read_unchanged(name, tmp_path):
    cfg, (_, ann_file, folder) = load(name), SETS[name]
    video = dict(id=5, width=64, height=48, length=2, file_names=['v/0.jpg', 'v/1.jpg'])
    square = [[8, 8, 40, 8, 40, 40, 8, 40]]
    ann = dict(id=1, video_id=5, category_id=2, iscrowd=0, segmentations=[square] * 2,
               bboxes=[[8, 8, 32, 32]] * 2, areas=[1024] * 2, occlusion=['no_occlusion'] * 2)
    names = [dict(id=i + 1, name=n) for i, n in enumerate(cfg.data.train.classes)]
    (tmp_path / folder / 'v').mkdir(parents=True)
    for frame in video['file_names']:
        cv2.imwrite(str(tmp_path / folder / frame), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / ann_file).write_text(
        json.dumps(dict(videos=[video], annotations=[ann], categories=names)))
    train = cfg.data.train
    train.ann_file = train.ann_file.replace(cfg.data_root, f'{tmp_path}/')
    train.img_prefix = train.img_prefix.replace(cfg.data_root, f'{tmp_path}/')
    data = build_dataset(train)
    assert data.CLASSES == tuple(train.classes) and len(data) == 2
    item = data[0]
    assert item['gt_labels'].tolist() == [2] and item['img_meta']['video_id'] == 5
