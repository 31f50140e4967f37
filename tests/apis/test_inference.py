"""Detectors on frames of one's own: same numbers as the data set, any source."""
import json
import pathlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from mmdet.apis.demo import DemoOptions, check_window, run_demo
from mmdet.apis.inference import inference_detector, init_detector, show_result
from mmdet.engine.test_loop import track_video
from mmdet.formats.sources import open_source
from mmdet.visualization import VideoWriter, count_frames

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'demo.py'


@pytest.fixture(scope='module')
def detector(tiny):
    return init_detector(tiny.config, tiny.checkpoint, 'cpu')


@pytest.fixture(scope='module')
def found(tiny, detector):
    return inference_detector(detector, tiny.folder / 'frames/t1')


def test_folder_equals_the_data_set(tiny, detector, found):
    items = (tiny.dataset[i] for i in range(8, 11))
    wanted = track_video(detector, tiny.dataset.preprocessor(), items, torch.device('cpu'))
    for got, (_, want) in zip(found, wanted, strict=True):
        assert got.masks == want.masks and np.array_equal(got.obj_ids, want.obj_ids)
        assert np.array_equal(got.boxes, want.boxes)


def test_lists_and_single_pictures(tiny, detector, found):
    paths = sorted(str(p) for p in (tiny.folder / 'frames/t1').iterdir())
    frames = [cv2.imread(p) for p in paths]
    again = inference_detector(detector, [frames[0], paths[1]])
    assert [r.masks for r in again] == [r.masks for r in found[:2]]
    for single in (paths[0], frames[0]):
        assert inference_detector(detector, single).masks == found[0].masks


def test_show_result_draws_and_writes(tiny, found, tmp_path):
    frame = cv2.imread(str(tiny.folder / 'frames/t1/00000.png'))
    before = frame.copy()
    picture = show_result(frame, found[0], ('a', 'b', 'c'), out_file=str(tmp_path / 'n/x.png'))
    assert (frame == before).all() and picture.shape == (4 * 96, 4 * 160, 3)
    assert (cv2.imread(str(tmp_path / 'n/x.png')) == picture).all()
    bare = show_result(frame, found[0], score_thr=2)
    assert (bare == show_result(frame, ([np.zeros((0, 5))], [[]]))).all()
    assert (bare != picture).any()


def test_per_class_results_are_drawn_too():
    frame = np.zeros((400, 400, 3), np.uint8)
    box = np.array([[10, 10, 50, 60, 0.9]], np.float32)
    picture = show_result(frame, [np.zeros((0, 5)), box])
    assert picture[60, 50].any() and not picture[300:].any()


def test_demo_writes_video_masks_and_json(tiny, found, tmp_path):
    options = DemoOptions(tiny.config, tiny.checkpoint, str(tiny.folder / 'frames/t1'),
                          str(tmp_path), masks=True, score_thr=0.5, device='cpu')
    run_demo(options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['masks', 't1.json', 't1.mp4']
    assert count_frames(tmp_path / 't1.mp4') == 3
    records = json.loads((tmp_path / 't1.json').read_text())
    assert len(records) == len({i for r in found for i in r.obj_ids})
    assert {len(r['segmentations']) for r in records} == {3}
    strong = [(i, t) for t, r in enumerate(found) for i, score in zip(r.obj_ids, r.scores)
              if score >= 0.5]
    files = sorted((tmp_path / 'masks').rglob('*.png'))
    assert [p.relative_to(tmp_path / 'masks').as_posix() for p in files] == sorted(
        f'{i:03d}/{t:05d}.png' for i, t in strong)
    assert set(np.unique(cv2.imread(str(files[0]))).tolist()) <= {0, 255}


def test_video_file(tiny, detector, tmp_path):
    path = str(tmp_path / 'my video.mp4')
    with VideoWriter(path, fps=7) as writer:
        for t in range(3):
            writer.write(cv2.imread(str(tiny.folder / f'frames/t1/0000{t}.png')))
    source = open_source(path)
    assert (source.name, source.count, source.fps) == ('my_video', 3, 7)
    assert [f.shape for f in source.frames] == [(96, 160, 3)] * 3
    assert len(inference_detector(detector, path)) == 3


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    for n in (10, 9, 100):
        cv2.imwrite(str(tmp_path / f'f{n}.png'), np.full((4, 4, 3), n, np.uint8))
    source = open_source(str(tmp_path))
    assert [int(f[0, 0, 0]) for f in source.frames] == [9, 10, 100] and source.count == 3


def test_sources_that_are_none(tmp_path, detector):
    with pytest.raises(FileNotFoundError, match='gone.mp4: no such video'):
        open_source('gone.mp4')
    with pytest.raises(ValueError, match='no pictures in this folder'):
        open_source(tmp_path)
    (tmp_path / 'a.mp4').write_text('text')
    with pytest.raises(ValueError, match='a.mp4: no frame could be read'):
        open_source(str(tmp_path / 'a.mp4'))
    with pytest.raises(ValueError, match='camera 99: no picture'):
        open_source('99')
    with pytest.raises(TypeError, match=r'got float64 \(2, 2\)'):
        inference_detector(detector, [np.zeros((2, 2))])


def test_window_without_display(monkeypatch):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(ValueError, match='leave --show out'):
        check_window()


def test_help_explains():
    text = subprocess.run([sys.executable, str(TOOL), '--help'], capture_output=True, text=True,
                          check=True).stdout
    assert 'camera index' in text and 'masks/ID/FRAME.png' in text
