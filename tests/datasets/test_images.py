"""COCO, VOC and plain lists of images."""
import json
import pickle

import cv2
import numpy as np
import pytest
import torch

from mmdet.datasets import CocoDataset, CustomDataset, VOCDataset, YTVOSDataset

ARGS = dict(img_scale=(120, 80), img_norm_cfg=dict(mean=[0, 0, 0]), size_divisor=32)


@pytest.fixture
def folder(tmp_path):
    """a.png and b.png of 60x40, small.png of 60x20."""
    for name, height in [('a', 40), ('b', 40), ('small', 20)]:
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.full((height, 60, 3), 100, np.uint8))
    return tmp_path


def _entry(name, height=40, **ann):
    return dict(filename=f'{name}.png', width=60, height=height, ann=ann)


def _coco(folder, annotations, **more):
    images = [dict(id=i, file_name=f'{name}.png', width=60, height=height)
              for i, name, height in [(5, 'a', 40), (3, 'b', 40), (8, 'small', 20)]]
    content = dict(images=images, annotations=annotations,
                   categories=[dict(id=9, name='dog'), dict(id=2, name='traffic light')])
    path = folder / 'coco.json'
    path.write_text(json.dumps(content | more))
    return str(path)


def _ann(ann_id, image, box, category=9, **more):
    x, y, w, h = box
    outline = [x, y, x + w, y, x + w, y + h, x, y + h]
    return dict(id=ann_id, image_id=image, bbox=box, area=w * h, iscrowd=0, category_id=category,
                segmentation=[outline]) | more


def test_coco_item(folder, capsys):
    crowd = dict(iscrowd=1, segmentation=dict(size=[40, 60], counts=[0, 400, 2000]))
    path = _coco(folder, [_ann(1, 3, [0, 0, 10, 40], **crowd), _ann(2, 3, [5, 6, 10, 8]),
                          _ann(3, 3, [20, 6, 10, 8], 2), _ann(4, 3, [1, 1, 9, 9], ignore=1),
                          _ann(5, 8, [1, 1, 9, 9])])
    dataset = CocoDataset(path, str(folder), **ARGS)
    assert dataset.CLASSES == ('traffic light', 'dog') and dataset.img_ids == [3]
    item = dataset[0]
    assert item['gt_bboxes'].tolist() == [[10, 12, 28, 26], [40, 12, 58, 26]]
    assert item['gt_labels'].tolist() == [2, 1]
    assert item['gt_masks'].flatten(1).sum(1).tolist() == [320, 320]
    assert item['gt_bboxes_ignore'].tolist() == [[0, 0, 18, 78]]
    assert capsys.readouterr().out == ''


def test_coco_test_mode_sees_every_image(folder):
    dataset = CocoDataset(_coco(folder, []), str(folder), test_mode=True, **ARGS)
    assert dataset.img_ids == [5, 3, 8] and dataset.flag.tolist() == [1, 1, 1]
    assert set(dataset[2]) == {'img', 'img_meta'}
    assert dataset[2]['img_meta'] == dict(ori_shape=(20, 60, 3), img_shape=(40, 120, 3),
                                          pad_shape=(64, 128, 3), scale_factor=2.0, flip=False,
                                          filename='small.png')


def test_coco_refuses_videos_and_other_classes(folder, make_videos, track):
    videos = make_videos([1], [track(1, 10, [(1, 1, 5, 5)])])
    with pytest.raises(ValueError, match='images.*YTVOSDataset'):
        CocoDataset(videos['ann_file'], '', **ARGS)
    with pytest.raises(ValueError, match='classes differ'):
        CocoDataset(_coco(folder, [_ann(1, 3, [5, 6, 10, 8])]), str(folder), classes=['dog'],
                    **ARGS)
    with pytest.raises(ValueError, match='annotation 1: "category_id" is 77'):
        CocoDataset(_coco(folder, [_ann(1, 3, [5, 6, 10, 8], 77)]), str(folder), **ARGS)
    with pytest.raises(ValueError, match='COCO file of single images'):
        YTVOSDataset(_coco(folder, []), str(folder), **ARGS)


@pytest.mark.parametrize('suffix', ['json', 'pkl'])
def test_custom_lists(folder, suffix):
    infos = [
        _entry('b'),
        _entry('a', bboxes=[[5, 6, 14, 13]], labels=[3], bboxes_ignore=[[0, 0, 4, 4]]),
        _entry('small', 20, bboxes=[[5, 6, 14, 13]], labels=[1])
    ]
    path = folder / f'list.{suffix}'
    if suffix == 'json':
        path.write_text(json.dumps(infos))
    else:
        infos[1]['ann'] = {key: np.array(value) for key, value in infos[1]['ann'].items()}
        path.write_bytes(pickle.dumps(infos))
    dataset = CustomDataset(str(path), str(folder), with_mask=False, classes=['x', 'y', 'z'],
                            **ARGS)
    assert len(dataset) == 1 and dataset.CLASSES == ('x', 'y', 'z')
    item = dataset[0]
    assert item['img_meta']['filename'] == 'a.png' and item['gt_labels'].tolist() == [3]
    assert item['gt_bboxes'].tolist() == [[10, 12, 28, 26]]
    assert item['gt_bboxes_ignore'].tolist() == [[0, 0, 8, 8]]


def test_proposals_follow_their_image(folder):
    path = _coco(folder, [_ann(1, 3, [5, 6, 10, 8])])
    boxes = [
        np.zeros((1, 5)),
        np.array([[5, 6, 14, 13, 0.9], [1, 1, 2, 2, 0.5], [0, 0, 9, 9, 0.1]]),
        np.zeros((0, 5))
    ]
    (folder / 'proposals.pkl').write_bytes(pickle.dumps(boxes))
    more = dict(proposal_file=str(folder / 'proposals.pkl'), num_max_proposals=2, **ARGS)
    item = CocoDataset(path, str(folder), **more)[0]
    expected = torch.tensor([[10, 12, 28, 26, 0.9], [2, 2, 4, 4, 0.5]])
    assert torch.equal(item['proposals'], expected)
    assert CocoDataset(path, str(folder), test_mode=True, **more)[2]['proposals'].shape == (0, 5)
    (folder / 'proposals.pkl').write_bytes(pickle.dumps(boxes[:2]))
    with pytest.raises(ValueError, match='expected proposals for the 3 images.*got 2'):
        CocoDataset(path, str(folder), **more)


def _voc(root, objects):
    for part in ('Annotations', 'JPEGImages'):
        (root / 'VOC2007' / part).mkdir(parents=True, exist_ok=True)
    text = ''.join(
        f'<object><name>{name}</name><difficult>{hard}</difficult><bndbox><xmin>{x1}</xmin>'
        f'<ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>'
        for name, hard, x1, y1, x2, y2 in objects)
    xml = f'<annotation><size><width>60</width><height>40</height></size>{text}</annotation>'
    (root / 'VOC2007/Annotations/000005.xml').write_text(xml)
    cv2.imwrite(str(root / 'VOC2007/JPEGImages/000005.jpg'), np.zeros((40, 60, 3), np.uint8))
    (root / 'list.txt').write_text('000005\n')
    return str(root / 'list.txt'), str(root / 'VOC2007/')


def test_voc_item(tmp_path):
    args = _voc(tmp_path, [('dog', 0, 6, 7, 15, 14), ('person', 1, 1, 1, 9, 9),
                           ('bird', 0, 3, 3, 5, 30)])
    dataset = VOCDataset(*args, with_mask=False, min_size=5, **ARGS)
    item = dataset[0]
    assert dataset.year == 2007 and item['gt_labels'].tolist() == [12]
    assert item['gt_bboxes'].tolist() == [[10, 12, 28, 26]]
    assert item['gt_bboxes_ignore'].tolist() == [[0, 0, 16, 16], [4, 4, 8, 58]]


def test_voc_errors(tmp_path):
    args = _voc(tmp_path, [('dgo', 0, 6, 7, 15, 14)])
    with pytest.raises(ValueError, match='000005.xml.*"dgo".*did you mean "dog"'):
        VOCDataset(*args, with_mask=False, **ARGS)
    with pytest.raises(ValueError, match='with_mask=False'):
        VOCDataset(*_voc(tmp_path, [('dog', 0, 6, 7, 15, 14)]), **ARGS)
    (tmp_path / 'list.txt').write_text('000006\n')
    with pytest.raises(FileNotFoundError, match='000006.xml'):
        VOCDataset(*args, with_mask=False, **ARGS)
