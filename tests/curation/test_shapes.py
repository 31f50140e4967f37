"""The generator of the small data set: deterministic, whole or absent, truthful annotations."""
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.curation import shapes

SPEC = shapes.ShapesSpec(train_videos=2, val_videos=1, length=4, size=(96, 64), objects=3)


def _files(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob('*') if p.is_file()}


def test_same_seed_same_files(tmp_path):
    assert shapes.make_shapes(tmp_path / 'a', SPEC)
    assert shapes.make_shapes(tmp_path / 'b', SPEC)
    files = _files(tmp_path / 'a')
    assert files == _files(tmp_path / 'b')
    assert 'train/JPEGImages/train_0001/00003.jpg' in files
    assert len(files) == 3 * 4 + 3


def test_other_seed_and_split_differ():
    first = shapes.draw_video(SPEC, 'train', 0)[0]
    assert (first == shapes.draw_video(SPEC, 'train', 0)[0]).all()
    assert (first != shapes.draw_video(SPEC, 'val', 0)[0]).mean() > 0.5
    other = shapes.ShapesSpec(seed=1, length=4, size=(96, 64))
    assert (first != shapes.draw_video(other, 'train', 0)[0]).mean() > 0.5


def test_annotations_are_the_visible_pixels(tmp_path):
    shapes.make_shapes(tmp_path / 'set', SPEC)
    content = json.loads((tmp_path / 'set/annotations/instances_train.json').read_text())
    frames, labels, masks = shapes.draw_video(SPEC, 'train', 0)
    rows = [a for a in content['annotations'] if a['video_id'] == 1]
    assert [r['category_id'] - 1 for r in rows] == labels
    assert masks.sum(0).max() == 1  # a pixel shows one object
    for row, track in zip(rows, masks):
        for t, rle in enumerate(row['segmentations']):
            if rle is None:
                assert track[t].sum() < shapes.MIN_VISIBLE
                assert row['bboxes'][t] is None and row['areas'][t] is None
                continue
            ys, xs = np.nonzero(track[t])
            assert (mask_utils.decode(rle) == track[t]).all() and row['areas'][t] == len(xs)
            assert row['bboxes'][t] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
    name = content['videos'][0]['file_names'][2]
    image = cv2.imread(str(tmp_path / 'set/train/JPEGImages' / name))
    assert abs(image.astype(int) - frames[2]).mean() < 12


def test_objects_leave_and_come_back():
    spec = shapes.ShapesSpec()
    gaps = 0
    for index in range(20):
        seen = shapes.draw_video(spec, 'train', index)[2].sum((2, 3)) >= shapes.MIN_VISIBLE
        changes = np.diff(seen.astype(int), axis=1)
        gaps += int(((changes == -1).any(1) & (changes == 1).any(1)).sum())
    assert gaps >= 5


def test_refuses_other_content_and_keeps_it(tmp_path):
    out = tmp_path / 'set'
    shapes.make_shapes(out, SPEC)
    assert shapes.make_shapes(out, SPEC) is False
    other = shapes.ShapesSpec(train_videos=1, val_videos=1, length=2, size=(96, 64))
    before = _files(out)
    with pytest.raises(FileExistsError, match='--force'):
        shapes.make_shapes(out, other)
    assert _files(out) == before
    assert shapes.make_shapes(out, other, force=True) and shapes.is_complete(out, other)


def test_killed_run_leaves_no_set(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shapes.make_shapes(tmp_path / 'set', SPEC, progress=stop)
    assert not (tmp_path / 'set').exists()
    assert shapes.make_shapes(tmp_path / 'set', SPEC)
    assert not (tmp_path / 'set.partial').exists()


@pytest.mark.parametrize('wrong', [
    dict(classes=('disc', 'cube')), dict(classes=()), dict(size=(8, 8)), dict(length=0),
    dict(val_videos=-1)])
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match='expected'):
        shapes.ShapesSpec(**wrong)
