"""COCO, VOC and plain lists of images."""
import json
import pickle

import cv2
import numpy as np
import pytest
import torch

from mmdet.datasets import CocoDataset, CustomDataset, VOCDataset, YTVOSDataset
from mmdet.evaluation.voc import voc_eval

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


def _with_proposals(folder, proposals, **more):
    path = _coco(folder, [_ann(1, 3, [5, 6, 10, 8])])
    (folder / 'proposals.pkl').write_bytes(pickle.dumps(proposals))
    return CocoDataset(path, str(folder), proposal_file=str(folder / 'proposals.pkl'),
                       **ARGS | more)


def test_proposals_follow_their_image(folder):
    boxes = [np.zeros((1, 5)),
             np.array([[5, 6, 14, 13, 0.9], [1, 1, 2, 2, 0.5], [0, 0, 9, 9, 0.1]]), []]
    item = _with_proposals(folder, boxes, num_max_proposals=2)[0]
    assert item['proposals'].dtype == torch.float32
    assert torch.equal(item['proposals'], torch.tensor([[10, 12, 28, 26, 0.9], [2, 2, 4, 4, 0.5]]))
    mirrored = _with_proposals(folder, boxes, num_max_proposals=None, flip_ratio=1)[0]
    assert mirrored['proposals'][0, :4].tolist() == mirrored['gt_bboxes'][0].tolist()
    assert len(mirrored['proposals']) == 3
    assert _with_proposals(folder, boxes, test_mode=True)[2]['proposals'].shape == (0, 4)


@pytest.mark.parametrize('proposals, more, message', [
    ([np.zeros((1, 5))] * 2, {}, 'expected proposals for the 3 images.*got 2'),
    ({'a': 1}, {}, 'expected proposals for the 3 images.*got dict'),
    ([np.zeros((1, 5))] * 2 + [np.zeros((2, 6))], {}, r'entry 2: expected.*got \(2, 6\)'),
    ([np.zeros((1, 5))] * 2 + [[[1, 2], [3]]], {}, 'entry 2: expected.*got list'),
    ([np.full((1, 4), np.nan)] * 3, {}, 'entry 0: a box or score is NaN'),
    ([np.zeros((1, 5))] * 3, dict(num_max_proposals=0), 'num_max_proposals.*got 0'),
    ([np.zeros((1, 5))] * 3, dict(extra_aug=dict(expand={}), with_mask=False),
     'extra_aug expand would move the boxes, but not the proposals'),
])
def test_proposals_are_looked_at_before_the_first_step(folder, proposals, more, message):
    with pytest.raises(ValueError, match=message):
        _with_proposals(folder, proposals, **more)


class Relabelled(CocoDataset):
    """As a user of 2019 wrote it."""

    def get_ann_info(self, idx):
        ann = super().get_ann_info(idx)
        ann['labels'] = np.ones_like(ann['labels'])
        return ann


def test_a_data_set_of_2019_that_overrides_get_ann_info(folder):
    dataset = Relabelled(_coco(folder, [_ann(1, 3, [5, 6, 10, 8])]), str(folder), **ARGS)
    item = dataset[0]
    assert item['gt_labels'].tolist() == [1] and item['gt_masks'].sum() == 320
    assert dataset.get_ann_info(1)['masks'][0].shape == (40, 60)


@pytest.mark.parametrize('found, error', [
    (None, 'Odd.get_ann_info.*: expected a dict with "bboxes".*got NoneType'),
    (dict(boxes=[]), 'got the keys boxes'),
    (dict(bboxes=np.zeros((2, 4)), labels=[1]), '2 boxes, but 1 labels'),
    (dict(bboxes=np.zeros((2, 4)), labels=[1, 1], masks=[0]), '2 boxes, but 1 masks'),
    (dict(bboxes=np.zeros((1, 4)), labels=[0]), 'label 0; labels start at 1'),
    (dict(bboxes=np.zeros((1, 4)), labels=[3]), 'label 3, but there are 2 classes')])
def test_what_get_ann_info_may_return(folder, found, error):
    kind = type('Odd', (CocoDataset,), dict(get_ann_info=lambda self, idx: found))
    with pytest.raises((ValueError, TypeError), match=error):
        kind(_coco(folder, [_ann(1, 3, [5, 6, 10, 8])]), str(folder), **ARGS)


def test_an_override_that_would_be_ignored_is_refused(folder):
    kind = type('Old', (CocoDataset,), dict(prepare_train_img=lambda self, idx: None))
    with pytest.raises(TypeError, match='Old: prepare_train_img of 2019.*override sample'):
        kind(_coco(folder, []), str(folder), **ARGS)


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


def test_min_size_is_for_training(tmp_path):
    args = _voc(tmp_path, [('dog', 0, 6, 7, 15, 14)])
    with pytest.raises(ValueError, match='min_size leaves small boxes out of training'):
        VOCDataset(*args, with_mask=False, min_size=5, test_mode=True, **ARGS)


def test_voc_is_scored_with_difficult_objects_left_out(tmp_path, spoken):
    args = _voc(tmp_path, [('dog', 0, 6, 7, 15, 14), ('dog', 1, 31, 7, 40, 14)])
    dataset = VOCDataset(*args, with_mask=False, test_mode=True, **ARGS)
    results = [[np.zeros((0, 5), np.float32) for _ in range(20)]]
    results[0][11] = np.array([[30, 6, 39, 13, 0.9], [5, 6, 14, 13, 0.8], [0, 30, 9, 39, 0.7]])
    files = dataset.write(results, str(tmp_path / 'x.json'))
    scores = dataset.score(files, ['bbox', 'proposal_fast'])
    assert scores['bbox'] == dict(mAP=pytest.approx(1), AP50=pytest.approx(1))
    assert scores['proposal_fast']['AR@100'] == 1 and '11 points' in spoken[0]
    assert voc_eval(results, dataset, (0.5, 0.75)).keys() == {'mAP', 'AP50', 'AP75'}
    with pytest.raises(ValueError, match='only have bbox, proposal, proposal_fast'):
        dataset.score(files, ['segm'])


def test_custom_lists_are_scored(folder):
    path = folder / 'list.json'
    path.write_text(json.dumps([_entry('b'), _entry('a', bboxes=[[5, 6, 14, 13]], labels=[2])]))
    dataset = CustomDataset(str(path), str(folder), classes=['x', 'y'], test_mode=True, **ARGS)
    none, box = np.zeros((0, 5)), np.array([[5, 6, 14, 13, 0.5]])
    files = dataset.write([[none, none], [none, box]], str(folder / 'x.json'))
    assert dataset.score(files, ['bbox'])['bbox']['mAP'] == 1
    assert json.load(open(files['bbox']))[0]['image_id'] == 1
