"""The annotation index: every mask format, and one sentence for a bad file."""
import copy
import json
import time

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.formats.ytvos import YTVOS

CASES = ['o1_basic', 'o2_mixed', 'o3_edge', 'o4_ties', 'o5_areas', 'o6_long']


def small(**changes):
    """One video of 2 frames, 6 x 8 pixels, one track; ``changes`` to the annotation."""
    mask = np.zeros((6, 8), np.uint8, order='F')
    mask[1:4, 2:5] = 1
    rle = mask_utils.encode(mask)
    ann = dict(id=7, video_id=3, category_id=9, iscrowd=0, areas=[9, None],
               segmentations=[dict(size=rle['size'], counts=rle['counts'].decode()), None],
               bboxes=[[2., 1., 3., 3.], None])
    video = dict(id=3, width=8, height=6, length=2, file_names=['a/0.jpg', 'a/1.jpg'])
    return dict(videos=[video], categories=[dict(id=9, name='cat')],
                annotations=[{**ann, **changes}]), mask


@pytest.mark.parametrize('segm', [
    {'size': [6, 8], 'counts': [13, 3, 3, 3, 3, 3, 20]},
    {'size': [6, 8], 'counts': mask_utils.frPyObjects(
        {'size': [6, 8], 'counts': [13, 3, 3, 3, 3, 3, 20]}, 6, 8)['counts']},
    [[2, 1, 5, 1, 5, 4, 2, 4]],
    [[2, 1, 3, 1, 3, 4, 2, 4], [3, 1, 5, 1, 5, 4, 3, 4]],
])
def test_every_mask_format_gives_the_same_pixels(segm):
    data, mask = small(segmentations=[segm, None])
    before = copy.deepcopy(data)
    ytvos = YTVOS(data)
    ann = ytvos.anns[7]
    np.testing.assert_array_equal(ytvos.annToMask(ann, 0), mask)
    assert ytvos.annToMask(ann, 1).sum() == 0 and ytvos.annToMask(ann, 1).shape == (6, 8)
    assert ytvos.annToRLE(ann, 1) is None
    assert data == before


@pytest.mark.parametrize('case', CASES)
def test_golden_areas_follow_from_the_masks(golden, case):
    ytvos = YTVOS(golden(f'eval/{case}.gt'))
    for ann in list(ytvos.anns.values())[:40]:
        for frame, area in enumerate(ann['areas']):
            rle = ytvos.annToRLE(ann, frame)
            if rle is not None and isinstance(area, int) and area:
                assert int(mask_utils.area(rle)) == area == ytvos.annToMask(ann, frame).sum()


def test_queries_and_gaps_in_ids(tmp_path):
    data, _ = small()
    data['videos'].append(dict(id=11, width=8, height=6, length=1, file_names=['b/0.jpg']))
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(data))
    ytvos = YTVOS(str(path))
    assert ytvos.getVidIds() == [3, 11] and ytvos.getVidIds(catIds=[9]) == [3]
    assert ytvos.getAnnIds(vidIds=[3]) == ytvos.getAnnIds(catIds=9) == [7]
    assert ytvos.getAnnIds(vidIds=11) == [] == ytvos.getAnnIds(iscrowd=True)
    assert ytvos.getAnnIds(areaRng=(5, 10)) == [7] and ytvos.getAnnIds(areaRng=(9, 10)) == []
    assert ytvos.getCatIds() == ytvos.getCatIds(catNms='cat') == [9]
    assert ytvos.loadVids(11)[0]['length'] == 1 and ytvos.loadCats([9])[0]['name'] == 'cat'
    with pytest.raises(KeyError, match='no annotation 1'):
        ytvos.loadAnns([1])


@pytest.mark.parametrize('annotations', [dict(annotations=[]), dict(annotations=None), {}])
def test_public_validation_file_has_no_annotations(annotations):
    data, _ = small()
    del data['annotations']
    assert YTVOS({**data, **annotations}).anns == {}


@pytest.mark.parametrize('release', ['2021', 'ovis'])
def test_fields_of_other_releases(release):
    extra = dict(occlusion=['no_occlusion', None]) if release == 'ovis' else {}
    data, mask = small(**extra)
    data['info'], data['licenses'] = dict(version=release), []
    assert YTVOS(data).annToMask(data['annotations'][0], 0).sum() == mask.sum() == 9


def _set(path, value):
    def change(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value
    return change


BROKEN = {
    'video 3 has 2 frames and annotation 7 has 1 segmentations':
    _set(('annotations', 0, 'segmentations'), [None]),
    'has 3 bboxes': _set(('annotations', 0, 'bboxes'), [None] * 3),
    'has 0 areas': _set(('annotations', 0, 'areas'), []),
    '"video_id" is 4, and the file lists no such video': _set(('annotations', 0, 'video_id'), 4),
    '"category_id" is \\[\\], and': _set(('annotations', 0, 'category_id'), []),
    'video id 3 is used twice': lambda data: data['videos'].append(data['videos'][0]),
    'annotation id 7 is used twice':
    lambda data: data['annotations'].append(data['annotations'][0]),
    'annotation number 0 needs a whole number as "id", got None': _set(
        ('annotations', 0, 'id'), None),
    'video number 0 needs a whole number as "id", got \'/../../x\'': _set(
        ('videos', 0, 'id'), '/../../x'),
    'category number 0 needs a whole number as "id", got 1.5': _set(('categories', 0, 'id'), 1.5),
    'lists 100000 categories, at most 5000': _set(
        ('categories', ), [dict(id=i) for i in range(100000)]),
    'category number 0: "name" must be a text of at most 200 characters': _set(
        ('categories', 0, 'name'), 'x' * 10**6),
    '"height" must be a number of pixels': _set(('videos', 0, 'height'), '6'),
    '2 file_names for length 5': _set(('videos', 0, 'length'), 5),
    'YouTube-VOS.*download': _set(('videos',), {'0a': {'objects': {}}}),
    'no list "categories"': _set(('categories',), None),
}


@pytest.mark.parametrize('message', BROKEN)
def test_a_file_that_contradicts_itself(tmp_path, message):
    data, _ = small()
    data = json.loads(json.dumps(data))
    BROKEN[message](data)
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=f'ann.json.*{message}'):
        YTVOS(path)


def test_unreadable_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing.json: no such file'):
        YTVOS(tmp_path / 'nothing.json')
    (tmp_path / 'cut.json').write_text('{"videos": [')
    with pytest.raises(ValueError, match='cut.json: not valid json'):
        YTVOS(tmp_path / 'cut.json')
    (tmp_path / 'null.json').write_text('null')
    with pytest.raises(ValueError, match='null.json: expected an object .* got a NoneType'):
        YTVOS(tmp_path / 'null.json')
    with pytest.raises(ValueError, match='result file'):
        YTVOS([1])  # type: ignore


@pytest.mark.parametrize('segm, message', [
    ({'size': [8, 6], 'counts': [48]}, r'size is \[8, 6\], the video is \[6, 8\]'),
    ({'size': [6, 8], 'counts': [13, 3]}, 'sum to 16 pixels, not to 6 x 8 = 48'),
    ({'size': [6, 8], 'counts': [13, 3, 0, 3, 29]}, 'zero, negative'),
    ({'size': [6, 8], 'counts': ''}, 'counts are empty'),
    ({'size': [6, 8], 'counts': 'a b'}, 'character'),
    ([[1, 2, 3, 4]], 'three points'),
    ([[1, 2, 3, 4, 5, 1e9]], 'coordinate 1000000000.0'),
    ([[1, 2, 3, 4, 5, -1e9]], 'coordinate -1000000000.0'),
    ([[1, 2, 3, 4, 5, float('nan')]], 'coordinate nan'),
])
def test_masks_pycocotools_must_not_see(segm, message):
    data, _ = small(segmentations=[segm, None])
    ytvos = YTVOS(data)
    with pytest.raises(ValueError, match=f'annotation 7, frame 0: .*{message}'):
        ytvos.annToMask(ytvos.anns[7], 0)


def test_indexing_the_training_set_is_fast():
    videos = [dict(id=i, width=1280, height=720, length=28,
                   file_names=[f'{i}/{t}.jpg' for t in range(28)]) for i in range(2238)]
    blank = [None] * 28
    anns = [dict(id=i, video_id=i % 2238, category_id=1, iscrowd=0, segmentations=blank,
                 bboxes=blank, areas=blank) for i in range(3774)]
    start = time.perf_counter()
    ytvos = YTVOS(dict(videos=videos, annotations=anns, categories=[dict(id=1, name='a')]))
    assert len(ytvos.anns) == 3774 and time.perf_counter() - start < 1
