"""Pictures of a data set: which frames are shown, and that objects keep their colours."""
import cv2
import numpy as np
import pytest

from mmdet.curation.dataset_sheet import annotated_frame, contact_sheet
from mmdet.formats.ytvos import YTVOS
from mmdet.visualization import object_color

LEFT, RIGHT = [[4, 4, 14, 4, 14, 14, 4, 14]], [[24, 4, 34, 4, 34, 14, 24, 14]]


@pytest.fixture
def data(tmp_path):
    """Two videos of four black frames 40x20: one object leaves after the first, one stays."""
    videos, anns = [], []
    for v in (1, 2):
        names = [f'{v}/{t}.png' for t in range(4)]
        (tmp_path / str(v)).mkdir()
        for name in names:
            cv2.imwrite(str(tmp_path / name), np.zeros((20, 40, 3), np.uint8))
        videos.append(dict(id=v, width=40, height=20, length=4, file_names=names))
        for segms in ([LEFT, None, None, None], [RIGHT] * 4):
            anns.append(dict(id=len(anns) + 1, video_id=v, category_id=1, segmentations=segms))
    return YTVOS(dict(videos=videos, annotations=anns, categories=[dict(id=1, name='a')])), tmp_path


def test_an_object_keeps_its_colour(data):
    ytvos, folder = data
    for frame in range(4):
        shown = annotated_frame(ytvos, 2, frame, str(folder))
        scale = shown.shape[0] // 20
        assert np.argmax(shown[11 * scale, 29 * scale]) == np.argmax(object_color(4))
        assert (shown[11 * scale, 9 * scale].max() > 0) == (frame == 0)


def test_one_frame_a_video_is_the_fullest(data):
    ytvos, folder = data
    (folder / '1' / '0.png').unlink()  # not readable: left out
    sheet = contact_sheet(ytvos, str(folder))
    assert sheet.shape == annotated_frame(ytvos, 2, 0, str(folder)).shape
    assert (sheet[:, :sheet.shape[1] // 2].max() > 0)


@pytest.mark.parametrize('frames, shape', [(2, (2, 2)), (4, (2, 4)), (9, (2, 4))])
def test_a_row_a_video(data, frames, shape):
    ytvos, folder = data
    height, width = contact_sheet(ytvos, str(folder), 12, frames).shape[:2]
    assert abs(width / height - shape[1] * 40 / (shape[0] * 20)) < 0.05


def test_nothing_to_show(data):
    ytvos, folder = data
    assert contact_sheet(ytvos, str(folder / 'elsewhere')) is None
    assert contact_sheet(YTVOS(), str(folder)) is None
