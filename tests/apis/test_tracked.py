"""What track_video gives: frames that unpack, draw and are saved; files of the whole."""
import json

import cv2
import numpy as np
import pytest

from mmdet.apis import inference, init_detector, show_result, track_video, track_videos
from mmdet.utils.errors import BadValue
from mmdet.visualization import count_frames


@pytest.fixture(scope='module')
def detector(tiny):
    return init_detector(tiny.config, tiny.checkpoint, 'cpu')


def test_a_frame_unpacks_draws_and_is_saved(tiny, detector, tmp_path):
    video = track_video(detector, tiny.folder / 'frames/t1')
    assert (video.name, video.count) == ('t1', 3)
    for t, tracked in enumerate(video):
        frame, result = tracked
        assert tracked.index == t == video.index - 1 and tracked.result is result
        assert (tracked.draw() == show_result(frame, result)).all()
    tracked.save(tmp_path / 'new/last.png', score_thr=2)
    assert (cv2.imread(str(tmp_path / 'new/last.png')) == tracked.draw(2)).all()
    assert (tracked.draw(2) != tracked.draw(0)).any()


def test_files_of_a_video_are_those_of_the_demo(tiny, detector, tmp_path):
    files = tmp_path / 'a.mp4', tmp_path / 'a.json'
    content = track_video(detector, tiny.folder / 'frames/t1').save(*files)
    assert count_frames(files[0]) == 3 and json.loads(files[1].read_text()) == content
    assert content['video']['complete'] and content['video']['frames'] == 3
    with pytest.raises(BadValue, match='end with .mp4 or .json'):
        track_video(detector, tiny.folder / 'frames/t1').save(tmp_path / 'a.avi')
    video = track_video(detector, tiny.folder / 'frames/t1')
    next(video)
    with pytest.raises(BadValue, match='1 frames were taken already'):
        video.save(*files)


def test_what_ends_a_video_leaves_what_was_found(detector, tmp_path):
    frames = [np.zeros((96, 160, 3), np.uint8)] * 2 + [np.zeros((90, 160, 3), np.uint8)]
    with pytest.raises(BadValue, match='frame 2: 160x90'):
        track_video(detector, frames).save(tmp_path / 'a.json', tmp_path / 'a.mp4')
    video = json.loads((tmp_path / 'a.json').read_text())['video']
    assert (video['frames'], video['complete']) == (2, False)
    assert count_frames(tmp_path / 'a.mp4') == 2


def test_what_needs_the_whole_video_is_said_to_be_left_out(tiny, spoken):
    pytest.importorskip('scipy')
    inference._warn_once.cache_clear()
    options = {'test_cfg.track.backward.iou_thr': .3,
               'test_cfg.track.after_video.VoteClass.by': 'score'}
    detector = init_detector(tiny.config, tiny.checkpoint, 'cpu', cfg_options=options)
    for _ in range(2):
        next(track_video(detector, tiny.folder / 'frames/t1'))
    assert sum('test_cfg.track.backward and after_video: left out' in said for said in spoken) == 1


def test_several_videos(tiny, detector, tmp_path, spoken):
    frame = np.zeros((96, 160, 3), np.uint8)
    (tmp_path / 'empty').mkdir()
    sources = [tiny.folder / 'frames', tmp_path / 'gone.mp4', tmp_path / 'empty', [frame],
               [frame, frame]]
    names, counts = [], []
    with pytest.raises(BadValue, match='2 of 6 videos could not be opened'):
        for video in track_videos(detector, sources):
            names.append(video.name)
            counts.append(sum(1 for _ in video))
    assert names == ['t1', 't12', 'frames', 'frames_2'] and counts == [3, 8, 1, 2]
    assert [video.name for video in track_videos(detector, str(tiny.folder / 'frames/t1'))
            ] == ['t1']
    assert 'video 2 of 6: t12' in spoken
    assert [line for line in spoken if 'gone.mp4: no such video' in line]
    assert [line for line in spoken if line.startswith('8 frames in')]
