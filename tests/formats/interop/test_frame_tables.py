"""A frame as a table and as Detections: the numbers of the result."""
import sys

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.formats.interop.tables import COLUMNS, video_table
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import MissingPackage

NAMES = 'disc', 'box', 'triangle'


def result(masks=True):
    pixels = np.zeros((2, 6, 9), np.uint8)
    pixels[0, 1:4, 2:5] = pixels[1, 5, 8] = 1
    rles = [mask_utils.encode(np.asfortranarray(mask)) for mask in pixels] if masks else []
    return TrackResult(np.float32([[2, 1, 4, 3], [8, 5, 8, 5]]), np.float32([.5, .25]),
                       np.array([2, 0]), np.array([7, 3]), rles)


def nothing():
    return TrackResult(np.zeros((0, 4), np.float32), np.zeros(0, np.float32),
                       np.zeros(0, np.int64), np.zeros(0, np.int64))


@pytest.mark.parametrize('masks', [True, False])
def test_a_frame_as_a_table(masks):
    table = result(masks).to_pandas(NAMES, 'clip', 5)
    assert tuple(table) == COLUMNS
    assert table.values.tolist() == [['clip', 5, 7, 2, 'triangle', .5, 2, 1, 4, 3, 9],
                                     ['clip', 5, 3, 0, 'disc', .25, 8, 5, 8, 5, 1]]
    assert result().to_pandas().class_name.isna().all()
    with pytest.raises(ValueError, match='label 2, but there are 2 class names'):
        result().to_pandas(NAMES[:2])


def test_a_video_as_a_table():
    table = video_table([result(), nothing(), result(False)], NAMES)
    assert table.frame.tolist() == [0, 0, 2, 2] and table.id.tolist() == [7, 3, 7, 3]
    for empty in (video_table([]), nothing().to_pandas(NAMES)):
        assert tuple(empty) == COLUMNS and len(empty) == 0
        assert empty.dtypes[['id', 'score']].tolist() == ['int64', 'float64']


def test_detections_of_supervision():
    supervision = pytest.importorskip('supervision')
    found = result().to_supervision(NAMES)
    assert isinstance(found, supervision.Detections) and len(found) == 2
    assert found.tracker_id.tolist() == [7, 3] and found.class_id.tolist() == [2, 0]
    assert found.data['class_name'].tolist() == ['triangle', 'disc']
    assert found.mask.dtype == bool and found.mask.sum(axis=(1, 2)).tolist() == [9, 1]
    assert (found.xyxy == result().boxes).all() and found.confidence.tolist() == [.5, .25]
    drawn = supervision.MaskAnnotator().annotate(np.zeros((6, 9, 3), np.uint8), found)
    assert drawn[2, 3].any() and not drawn[0, 0].any()
    assert found[found.tracker_id == 3].data['class_name'].tolist() == ['disc']


def test_detections_without_masks_or_objects():
    pytest.importorskip('supervision')
    assert result(False).to_supervision().mask is None
    empty = nothing().to_supervision(NAMES)
    assert len(empty) == 0 and empty.xyxy.shape == (0, 4)


@pytest.mark.parametrize('package, call', [
    ('pandas', TrackResult.to_pandas), ('supervision', TrackResult.to_supervision)])
def test_a_missing_package_is_one_sentence(monkeypatch, package, call):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=f'needs the package {package}: pip install {package}'):
        call(result())
