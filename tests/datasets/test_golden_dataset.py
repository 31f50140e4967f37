"""YTVOSDataset gives what the 2019 data set class gave, item by item."""
import json

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from mmdet.core.frames import FramePreprocessor
from mmdet.datasets import YTVOSDataset

NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)


@pytest.fixture(scope='module')
def world(golden, recipe, tmp_path_factory):
    """The golden file and the folder with its frames and annotations."""
    record, root = golden('model/dataset'), tmp_path_factory.mktemp('golden_data')
    for seed, *shape in record['videos']:
        (root / seed).mkdir()
        for t, frame in enumerate(recipe.video(seed, *shape)[0]):
            cv2.imwrite(str(root / seed / f'{t:05d}.png'), frame)
    (root / 'ann.json').write_text(json.dumps(record['annotation']))
    return record, root


def _dataset(root, **kwargs):
    return YTVOSDataset(str(root / 'ann.json'), str(root), img_norm_cfg=NORM, size_divisor=32,
                        with_track=True, **kwargs)


def _check_image(frame, stat):
    assert frame.dtype == torch.uint8
    got = FramePreprocessor(**NORM, size_divisor=32)([frame])[0]
    flat = got.flatten()
    assert list(got.shape) == stat['shape']
    samples = flat[np.linspace(0, flat.numel() - 1, 8).astype(int)]
    np.testing.assert_allclose(samples, stat['samples'], atol=1e-2)
    summary = [got.mean(), got.std(), got.abs().max()]
    np.testing.assert_allclose(summary, [stat['mean'], stat['std'], stat['abs_max']], atol=1e-2)


def _check_meta(meta, expected, dataset):
    for key, value in expected.items():
        if key == 'is_first':  # told by the caller's memory now
            continue
        got = meta[key]
        if key == 'video_id':  # 2019: position in the file; now the id of the json
            got = [info['id'] for info in dataset.vid_infos].index(got)
        assert (list(got) if isinstance(got, tuple) else got) == value, key


def _check_masks(masks, expected):
    assert masks.dtype == torch.uint8 and list(masks.shape) == expected['shape']
    for mask, counts in zip(masks.numpy(), expected['rles']):
        want = dict(size=expected['shape'][1:], counts=counts.encode())
        got = mask_utils.encode(np.asfortranarray(mask))
        assert mask_utils.iou([got], [want], [0])[0, 0] > 0.99


def _check_item(item, expected, dataset):
    _check_image(item['img'], expected['img'])
    _check_image(item['ref_img'], expected['ref_img'])
    _check_meta(item['img_meta'], expected['img_meta'], dataset)
    for key in ('gt_bboxes', 'ref_bboxes', 'gt_bboxes_ignore'):
        assert item[key].dtype == torch.float32
        np.testing.assert_allclose(item[key], np.reshape(expected[key], (-1, 4)), atol=1e-3)
    assert item['gt_labels'].tolist() == expected['gt_labels']
    assert item['gt_pids'].tolist() == expected['gt_pids']
    _check_masks(item['gt_masks'], expected['gt_masks'])


@pytest.mark.parametrize('number', range(4))
def test_training_items(world, number):
    record, root = world
    case = record['cases'][number]
    dataset = _dataset(root, img_scale=tuple(case['img_scale']), flip_ratio=case['flip_ratio'])
    assert [list(pair) for pair in dataset.img_ids] == case['img_ids']
    assert dataset.flag.tolist() == case['group_flag']
    for i, expected in enumerate(case['items']):
        _check_item(dataset[i], expected, dataset)


def test_test_items(world):
    record, root = world
    dataset = _dataset(root, img_scale=(640, 360), test_mode=True)
    assert len(dataset) == len(record['test_items'])
    for i, expected in enumerate(record['test_items']):
        item = dataset[i]
        assert set(item) == {'img', 'img_meta'}
        _check_image(item['img'], expected['img'])
        _check_meta(item['img_meta'], expected['img_meta'], dataset)
