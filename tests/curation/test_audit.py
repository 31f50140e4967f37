"""What the data set checker finds."""
import copy
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.curation.audit import audit_annotations, audit_frames, statistics


def clean():
    """Two frames of 40x30, one square of 10x10 pixels in the first."""
    mask = np.zeros((30, 40), np.uint8, order='F')
    mask[5:15, 20:30] = 1
    rle = mask_utils.encode(mask)
    ann = dict(id=1, video_id=1, category_id=1, iscrowd=0, areas=[100, None],
               bboxes=[[20, 5, 10, 10], None],
               segmentations=[dict(size=[30, 40], counts=rle['counts'].decode()), None])
    video = dict(id=1, width=40, height=30, length=2, file_names=['a/0.png', 'a/1.png'])
    return dict(videos=[video], categories=[dict(id=1, name='cat')], annotations=[ann])


def texts(data, level):
    return [f.text for f in audit_annotations(data, 'ann.json') if f.level == level]


def test_clean_data_has_no_findings():
    data = clean()
    before = copy.deepcopy(data)
    assert audit_annotations(data, 'ann.json') == [] and data == before


@pytest.mark.parametrize('key, value, message', [
    ('areas', [120, None], 'area and mask disagree in 1 frames, first in frame 0: 120 is stated'),
    ('areas', [100, 7], 'first in frame 1: 7 is stated, the mask gives 0'),
    ('bboxes', [[20, 5, 10, 20], None], 'box and mask disagree'),
    ('bboxes', [None, None], 'box and mask disagree'),
    ('iscrowd', None, 'needs "iscrowd" 0 or 1'),
    ('iscrowd', float('inf'), 'needs "iscrowd" 0 or 1, got inf'),
    ('areas', [100], 'has 1 areas'),
    ('segmentations', None, 'has no "segmentations"'),
    ('segmentations', [{'size': [40, 30], 'counts': 'x'}, None], r'size is \[40, 30\]'),
    ('video_id', 5, 'no such video'),
])
def test_errors(key, value, message):
    data = clean()
    data['annotations'][0][key] = value
    found = texts(data, 'error')
    assert len(found) == 1 and pytest.importorskip('re').search(message, found[0])


def test_all_structural_problems_at_once():
    data = clean()
    data['annotations'] += [dict(data['annotations'][0], id=i, areas=[]) for i in (1, 2, 3)]
    assert len(texts(data, 'error')) == 3  # a repeated id, two wrong lengths


def test_warnings():
    data = clean()
    data['categories'].append(dict(id=2, name='dog'))
    data['videos'].append(dict(data['videos'][0], id=2))
    outside = [[20, 5, 60, 5, 60, 15, 20, 15]]
    data['annotations'].append(dict(
        id=2, video_id=1, category_id=1, iscrowd=0, segmentations=[outside, None],
        areas=[200, None], bboxes=[[20, 5, 20, 10], None]))
    data['annotations'].append(dict(id=3, video_id=1, category_id=1, iscrowd=0, areas=[None] * 2,
                                    segmentations=[None] * 2, bboxes=[None] * 2))
    found = '\n'.join(texts(data, 'warning'))
    for message in ('no object of category 2 (dog)', '1 of 2 videos have no object',
                    '2 frames are listed more than once', 'annotation 3 is an empty track',
                    'annotation 2: polygons reach outside'):
        assert message in found
    assert texts(data, 'error') == [] and len(found.splitlines()) == 5


def test_frames(tmp_path):
    video = clean()['videos'][0]
    frames = tmp_path / 'a'
    frames.mkdir()
    found = audit_frames([video], str(tmp_path), False, 'ann.json')
    assert '2 of 2 frames are missing' in found[0].text
    cv2.imwrite(str(frames / '0.png'), np.random.RandomState(0).randint(0, 255, (30, 40, 3)))
    whole = (frames / '0.png').read_bytes()
    (frames / '1.png').write_bytes(whole[:len(whole) // 2])
    assert audit_frames([video], str(tmp_path), False, 'ann.json') == []
    assert '1 of 2 frames are corrupt' in audit_frames([video], str(tmp_path), True, 'x')[0].text
    cv2.imwrite(str(frames / '1.png'), np.zeros((40, 30, 3), np.uint8))
    text = audit_frames([video], str(tmp_path), True, 'ann.json')[0].text
    assert 'another size' in text and '30 x 40 pixels, the json says 40 x 30' in text


def test_statistics():
    counts = statistics(clean())
    assert (counts['videos'], counts['frames'], counts['objects'], counts['masks']) == (1, 2, 1, 1)
    assert counts['sizes'] == {'40x30': 1} and counts['mask_sides'] == [10]
    assert counts['classes'] == [dict(name='cat', objects=1, videos=1, masks=1)]
    assert json.loads(json.dumps(counts)) == counts


def doubted(change):
    data = clean()
    data['videos'][0].update(length=3, file_names=['a/0.png', 'a/1.png', 'a/2.png'])
    for ann in data['annotations']:
        ann.update({key: ann[key] + [None] for key in ('areas', 'bboxes', 'segmentations')})
    change(data)
    return texts(data, 'warning')


def numbered_anew(data):
    data['annotations'] = [dict(data['annotations'][0], id=i) for i in (1, 2, 3)]


def all_crowds(data):
    data['annotations'][0]['iscrowd'] = 1


def one_class_twice(data):
    data['categories'].append(dict(id=2, name='Cat '))
    data['annotations'].append(dict(data['annotations'][0], id=2, category_id=2))


def frames_in_two_formats(data):
    data['videos'][0]['file_names'][1] = 'a/0.jpg'


@pytest.mark.parametrize('change, said', [
    (numbered_anew, '3 of 3 objects are seen in one frame only; if the masks were numbered anew'),
    (all_crowds, 'every object is a crowd'),
    (one_class_twice, "the categories 'cat' and 'Cat ' look like one"),
    (frames_in_two_formats, '1 frames are there in two formats, the first as a/0.jpg and a/0.png'),
])
def test_what_is_worth_a_look(change, said):
    assert any(said in text for text in doubted(change)) and not doubted(lambda data: None)
