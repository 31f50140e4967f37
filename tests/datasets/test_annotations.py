"""The annotation index: class lists, compressed masks, size and speed."""
import json
import time
import tracemalloc

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.datasets import YTVOSDataset
from mmdet.datasets.annotations import (Entry, FrameObjects, agreed_classes, ann_info,
                                        category_labels, compressed_rle)


def _write_large(path, videos, length=27):
    """A file as YouTube-VIS 2019 spells it: masks are lists of about 250 numbers."""
    runs = np.random.default_rng(0).integers(300, 700, 251).tolist()
    mask = json.dumps(dict(counts=runs + [720 * 1280 - sum(runs)], size=[720, 1280]))
    tracks = ','.join(
        f'{{"id":{i + 1},"video_id":{i % videos + 1},"category_id":1,"iscrowd":0,"length":{length},'
        f'"bboxes":{[[1, 2, 3, 4]] * length},"areas":{[9] * length},'
        f'"segmentations":[{",".join([mask] * length)}]}}' for i in range(int(1.7 * videos)))
    entries = [dict(id=v + 1, width=1280, height=720, length=length, file_names=['a.jpg'] * length)
               for v in range(videos)]
    path.write_text(f'{{"videos":{json.dumps(entries)},"categories":[{{"id":1,"name":"a"}}],'
                    f'"annotations":[{tracks}]}}')


def _load(path):
    return YTVOSDataset(str(path), '', (640, 360), dict(mean=[0, 0, 0]), with_track=True)


def test_time_to_index_an_eighth_of_youtube_vis(tmp_path):
    _write_large(tmp_path / 'train.json', 280)
    start = time.process_time()
    assert len(_load(tmp_path / 'train.json')) == 280 * 27
    assert time.process_time() - start < 1.25  # seconds; about 0.4, the whole file 3 to 4


def test_memory_to_index_a_thirtieth_of_youtube_vis(tmp_path):
    _write_large(tmp_path / 'train.json', 75)
    tracemalloc.start()
    _load(tmp_path / 'train.json')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6  # bytes; about 13 MB, 45 if the lists stayed as they are


def test_compressed_rle_is_the_same_mask():
    mask = np.asfortranarray(np.random.default_rng(0).integers(0, 2, (7, 9), np.uint8))
    counts, value = [0], 0
    for pixel in mask.ravel(order='F'):
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    got = compressed_rle(dict(size=[7, 9], counts=counts))
    assert isinstance(got['counts'], str)
    assert (mask_utils.decode(got) == mask).all()


@pytest.mark.parametrize('entry', [{},
                                   dict(id=3, name='x'),
                                   dict(size=[2, 2], counts='04'),
                                   dict(size=[2, 2], counts=[]),
                                   dict(size=[2, 2], counts=[1, -3]),
                                   dict(size=[2, 2], counts=['a', 3]),
                                   dict(size='ab', counts=[4])])
def test_compressed_rle_leaves_the_rest(entry):
    assert compressed_rle(dict(entry)) == entry


def test_category_labels_follow_rising_ids():
    assert category_labels([dict(id=7, name='b'), dict(id=2, name='a')]) == ([2, 7], ['a', 'b'])


def test_agreed_classes():
    assert agreed_classes(['a b', 'c'], ('a_b', 'c'), None, 'f') == ('a_b', 'c')
    assert agreed_classes(['x'], ('a_b', 'c'), ['x'], 'f') == ('x',)
    with pytest.raises(ValueError,
                       match=r'f: .* from place 2 on: expected 2 \(c\), found 1 \(end of list\)'):
        agreed_classes(['a'], None, ['a', 'c'], 'f')


def test_objects_without_any():
    ann = ann_info([Entry(None, None, 1), Entry((1, 1, 5, 5), 0, 1)])
    objects = FrameObjects.from_ann(ann, 'here')
    assert objects.boxes.shape == objects.boxes_ignore.shape == (0, 4)
    assert objects.labels.dtype == np.int64 and list(objects.masks) == []
