"""Detectors on frames of one's own: same numbers as the data set, any source."""
import copy

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmdet.apis import inference_detector, init_detector, show_result, track_video
from mmdet.checkpoint import load_checkpoint
from mmdet.engine import test_loop
from mmdet.evaluation import get_classes
from mmdet.formats.sources import open_source
from mmdet.models import build_detector
from mmdet.visualization import VideoWriter


@pytest.fixture(scope='module')
def detector(tiny):
    return init_detector(tiny.config, tiny.checkpoint, 'cpu')


@pytest.fixture(scope='module')
def found(tiny, detector):
    return inference_detector(detector, tiny.folder / 'frames/t1')


def test_folder_equals_the_data_set(tiny, detector, found):
    items = (tiny.dataset[i] for i in range(8, 11))
    preprocess = tiny.dataset.preprocessor()
    wanted = test_loop.track_video(detector, preprocess, items, torch.device('cpu'))
    for got, (_, want) in zip(found, wanted, strict=True):
        assert got.masks == want.masks and np.array_equal(got.obj_ids, want.obj_ids)
        assert np.array_equal(got.boxes, want.boxes)


def test_whatever_holds_pictures(tiny, detector, found):
    paths = sorted((tiny.folder / 'frames/t1').iterdir())
    frames = [cv2.imread(str(p)) for p in paths]
    pictures = [Image.fromarray(frame[:, :, ::-1]) for frame in frames]
    for video in (np.stack(frames), [frames[0], paths[1], str(paths[2])], pictures,
                  (frame for frame in frames)):
        assert [r.masks for r in inference_detector(detector, video)] == [r.masks for r in found]
    for single in (paths[0], str(paths[0]), frames[0], pictures[0]):
        assert inference_detector(detector, single).masks == found[0].masks


def test_a_video_is_followed_frame_by_frame(detector, tiny, found):
    read = []

    def endless():
        for t in range(10**9):
            read.append(t)
            yield tiny.folder / f'frames/t1/{t % 3:05d}.png'

    tracked = track_video(detector, endless())
    for t in range(2):
        frame, result = next(tracked)
        assert result.masks == found[t].masks and frame.shape == (96, 160, 3)
    assert len(read) == 2


@pytest.mark.parametrize('wrong, kind, message', [
    ([], ValueError, 'there is no frame'), (iter(()), ValueError, 'there is no frame'),
    (3.5, TypeError, 'got float'), ({}, TypeError, 'got dict'),
    (torch.zeros(3, 4, 4), TypeError, r'frame 0: .* got Tensor: torch.float32 \(4, 4\)'),
    (np.zeros((4, 4), np.uint8), TypeError, r'frame 0: .* got ndarray: uint8 \(4,\)'),
    (np.zeros((4, 4, 4), np.uint8), TypeError, r'frame: .* got ndarray: uint8 \(4, 4, 4\)'),
    ([np.zeros((40, 60, 3), np.uint8), np.zeros((40, 50, 3), np.uint8)], ValueError,
     'frame 1: 50x40 pixels, the frames before have 60x40')])
def test_what_holds_none(detector, wrong, kind, message):
    with pytest.raises(kind, match=message):
        inference_detector(detector, wrong)


def test_device_and_config_are_checked_first(tiny):
    for device, message in (('gpu', 'unknown; expected cpu, cuda'), ('cuda:99', 'use cpu|has ')):
        with pytest.raises(ValueError, match=f'device {device}: .*{message}'):
            init_detector(tiny.config, tiny.checkpoint, device)
    with pytest.raises(ValueError, match='tiny.pth: a config is a .py file'):
        init_detector(tiny.checkpoint, tiny.config)
    other = init_detector(tiny.cfg, None, 'cpu', cfg_options={'test_cfg.rcnn.max_per_img': 7})
    assert other.test_cfg.rcnn.max_per_img == 7 and tiny.cfg.test_cfg.rcnn.max_per_img == 10


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


def test_sources_that_are_none(tmp_path, detector, monkeypatch):
    with pytest.raises(FileNotFoundError, match='gone.mp4: no such video'):
        open_source('gone.mp4')
    with pytest.raises(ValueError, match='no pictures in this folder'):
        open_source(tmp_path)
    (tmp_path / 'a.mp4').write_text('text')
    with pytest.raises(ValueError, match='a.mp4: no frame could be read'):
        open_source(str(tmp_path / 'a.mp4'))
    (tmp_path / '0001').mkdir()
    cv2.imwrite(str(tmp_path / '0001' / '1.png'), np.zeros((9, 9, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    assert open_source('0001').count == 1  # a folder, not camera 1
    with pytest.raises(ValueError, match='camera 99: no picture'):
        open_source('99')
    with pytest.raises(TypeError, match=r'frame 0: .* got ndarray: float64 \(2, 2\)'):
        inference_detector(detector, [np.zeros((2, 2))])


def test_the_call_of_2019(tiny, found):
    paths = [str(tiny.folder / f'frames/t1/0000{t}.png') for t in range(3)]
    model = build_detector(tiny.cfg.model, test_cfg=tiny.cfg.test_cfg).train()
    load_checkpoint(model, tiny.checkpoint)
    with pytest.raises(TypeError, match=r'has no config.*inference_detector\(model, img, cfg\)'):
        inference_detector(model, paths[0])
    one = inference_detector(model, paths[0], tiny.cfg, device='cpu')
    assert np.allclose(one.boxes, found[0].boxes, atol=.01) and not model.training
    several = inference_detector(model, paths, tiny.cfg)
    assert not isinstance(several, list)
    for got, want in zip(several, found, strict=True):
        assert np.allclose(got.boxes, want.boxes, atol=.01)
        assert got.obj_ids.tolist() == want.obj_ids.tolist()
    with pytest.raises(TypeError, match='device goes with cfg'):
        inference_detector(model, paths[0], device='cpu')
    with pytest.raises(ValueError, match='device gpu: '):
        inference_detector(model, paths[0], tiny.cfg, device='gpu')


def test_images_by_the_call_of_2019(tiny):
    cfg = copy.deepcopy(tiny.cfg)
    del cfg.model['track_head']
    cfg.model.type = 'MaskRCNN'
    model = build_detector(cfg.model, test_cfg=cfg.test_cfg)
    frames = [np.zeros((96, 160, 3), np.uint8), np.zeros((80, 60, 3), np.uint8)]
    boxes, masks = inference_detector(model, frames[0], cfg, device='cpu')
    assert len(boxes) == len(masks) == 3
    assert len(list(inference_detector(model, frames, cfg))) == 2  # of any size


def test_show_result_takes_names_of_data_sets(found):
    frame = np.zeros((400, 400, 3), np.uint8)
    box = np.array([[10, 10, 50, 60, 0.9]], np.float32)
    by_name = show_result(frame, [np.zeros((0, 5)), box], dataset='coco', score_thr=.3)
    names = get_classes('coco')
    assert (by_name == show_result(frame, [np.zeros((0, 5)), box], names)).all()
    assert (by_name == show_result(frame, [np.zeros((0, 5)), box], 'coco')).all()
    with pytest.raises(ValueError, match='no class names are known for "coko"; did you mean'):
        show_result(frame, [box], dataset='coko')
    with pytest.raises(ValueError, match='label 80, but there are 80 class names'):
        show_result(frame, [np.zeros((0, 5))] * 80 + [box], dataset='coco')
