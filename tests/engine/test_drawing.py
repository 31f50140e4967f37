"""Drawings of a data set: one file or folder a video, inside the folder, whatever it is called."""
import types

import numpy as np
import pytest

from mmdet.engine.drawing import draw_dataset
from mmdet.formats.track_result import TrackResult

NOTHING = TrackResult(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), np.zeros(0, int))


def videos(*infos):
    """A data set with one grey frame a video."""
    return types.SimpleNamespace(
        vid_infos=infos, videos=lambda: {i: [i] for i in range(len(infos))}, CLASSES=('cat',),
        picture=lambda index: np.full((40, 60, 3), 10 * index, np.uint8))


@pytest.mark.parametrize('as_frames', [False, True])
def test_drawings_stay_in_their_folder_and_apart(tmp_path, as_frames):
    names = ['a_2', 'a', 'a', 'A', '/../../../x', 'x' * 300, '..', 'fr\udce9', 'b\nc']
    infos = [dict(id=i, file_names=[f'{name}/0.jpg']) for i, name in enumerate(names)]
    infos.append(dict(id='/../../../y', file_names=['0.jpg']))
    dataset = videos(*infos)
    written = draw_dataset(dataset, [NOTHING] * len(infos), tmp_path / 'out', as_frames)
    want = ['a_2', 'a', 'a_3', 'A_4', 'x', 'x' * 120, 'unnamed', 'fr', 'b_c', 'video_.._.._.._y']
    assert [path.name.removesuffix('.mp4') for path in written] == want
    assert all(path.parent == tmp_path / 'out' and path.exists() for path in written)
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    assert len(list((tmp_path / 'out').iterdir())) == len(infos)


def test_class_names_that_opencv_crashes_on(tmp_path):
    dataset = videos(dict(id=1, file_names=['v/0.jpg']))
    found = TrackResult(np.array([[5, 5, 20, 20.]]), np.ones(1), np.zeros(1, int), np.zeros(1, int))
    for name in ('\ud800', 'x' * 10**6, 'a\0b\n', '\U0001f980', ''):
        dataset.CLASSES = (name, )
        written, = draw_dataset(dataset, [found], tmp_path / 'out', as_frames=True)
        assert (written / '00000.png').exists()
