"""demo.py --live: what is written, and what ends it."""
import dataclasses
import functools
import json
import os
import pathlib
import signal
import time

import numpy as np
import pytest

from mmdet.apis import inference, init_detector, live, track_video
from mmdet.apis.demo import DemoOptions, init
from mmdet.engine import live as engine_live
from mmdet.engine.stops import Stopped
from mmdet.formats.result_files import from_line
from mmdet.formats.sources import FrameSource, open_source
from mmdet.utils.errors import BadValue, NoConnection
from mmdet.visualization import count_frames

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope='module')
def detector(tiny):
    return init_detector(tiny.config, tiny.checkpoint, 'cpu')


@pytest.fixture
def follow(tiny, detector, tmp_path, monkeypatch):
    """``follow(video, ...)`` runs the live demo into ``tmp_path / 'out'``."""
    monkeypatch.setattr(live, 'init', lambda options: detector)

    def run(video, **options):
        return live.run_live(DemoOptions(tiny.config, None, video, str(tmp_path / 'out'),
                                         device='cpu', live=True, **options))

    return run


def camera(count, rate=30.0):
    for number in range(count):
        time.sleep(1 / rate)
        yield np.full((96, 160, 3), number, np.uint8)


def test_files_of_a_live_video(tiny, follow, tmp_path, detector):
    told = follow(str(tiny.folder / 'frames/t12'), masks=True)
    assert told['frames'] + told['dropped'] == 8 and told['frames'] >= 2
    folder = tmp_path / 'out/t12'
    head, *lines = map(json.loads, (folder / 't12.jsonl').read_text().splitlines())
    assert (head['format'], head['version'], head['width']) == (live.FORMAT, 1, 160)
    assert [line['frame'] for line in lines] == list(range(told['frames']))
    times = [line['time'] for line in lines]
    assert times[0] == 0 and times == sorted(times) and times[-1] <= 5
    assert all(len(from_line(line).masks) == len(line['ids']) for line in lines)
    assert count_frames(folder / 't12.mp4') == told['frames']
    drawn = next(open_source(str(folder / 't12.mp4')).frames)
    assert drawn[:14, :250].max() > 150 > drawn[2, :20].max()  # the caption: white on black
    follow(str(tiny.folder / 'frames/t12'), max_frames=1)
    assert (tmp_path / 'out/t12_2/t12.jsonl').exists()  # nothing is written over


def test_latency_stays_bounded(tiny, follow, detector, monkeypatch):
    inner, spent = type(detector).track, []

    def slow(self, *args):
        start = time.monotonic()
        time.sleep(.1)
        found = inner(self, *args)
        spent.append(time.monotonic() - start)
        return found

    monkeypatch.setattr(type(detector), 'track', slow)
    monkeypatch.setattr(engine_live, 'open_source',
                        lambda video: FrameSource('cam', camera(45), 0, 30))
    monkeypatch.setattr(engine_live, 'is_running', lambda video: False)  # its end is the end
    told = follow('0')
    assert told['frames'] + told['dropped'] == 45 and told['dropped'] >= 20
    queued = sum(spent) * 45 / len(spent) - 45 / 30  # how late the last one of a queue would be
    assert told['latency'] / 1000 < spent[-1] + queued / 2


def test_a_signal_keeps_what_was_found(tiny, follow, tmp_path, monkeypatch):
    inner = live.Live._add

    def add(self, *args):
        inner(self, *args)
        if self.frames == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(live.Live, '_add', add)
    with pytest.raises(Stopped):
        follow(str(tiny.folder / 'frames/t12'))
    folder = tmp_path / 'out/t12'
    assert len((folder / 't12.jsonl').read_text().splitlines()) == 3
    assert count_frames(folder / 't12.mp4') == 2


def test_a_stream_that_is_gone_keeps_what_was_found(follow, tmp_path, monkeypatch, spoken):
    def open_once(video):
        monkeypatch.setattr(engine_live, 'open_source', gone)
        return FrameSource('stream', camera(2, 100), 0, 30)

    def gone(video):
        raise BadValue('rtsp://camera: no frame could be read')

    monkeypatch.setattr(engine_live, 'open_source', open_once)
    monkeypatch.setattr(engine_live, 'NewestFrames',
                        functools.partial(engine_live.NewestFrames, tries=2, wait=.001))
    with pytest.raises(NoConnection, match='2 tries to open it again failed .rtsp://camera'):
        follow('rtsp://camera')
    assert len((tmp_path / 'out/stream/stream.jsonl').read_text().splitlines()) >= 2


def test_the_memory_is_bounded_unless_the_config_says_how(tiny):
    def max_age(**given):
        options = DemoOptions(tiny.config, tiny.checkpoint, '0', device='cpu', cfg_options=given)
        given = live.forgetful(options)
        return init(dataclasses.replace(options, cfg_options=given)).tracking.max_age

    assert max_age() == live.MAX_AGE
    assert max_age(**{'test_cfg.track.max_age': 7}) == 7
    assert max_age(**{'test_cfg.track.label_memory': 'latest'}) == live.MAX_AGE
    options = DemoOptions(str(ROOT / 'configs/mask_rcnn_r50_fpn_1x.py'), None, '0')
    assert live.forgetful(options) == {}  # it does not track, which is told later


@pytest.mark.parametrize('video, options, message', [
    (['0', '1'], {}, 'follows one camera or stream, got 2'),
    ('0', dict(fps=5), 'leave out --fps')])
def test_wrong_options(follow, video, options, message):
    with pytest.raises(BadValue, match=message):
        follow(video, **options)


def test_the_newest_frames_from_python(detector, monkeypatch, spoken):
    inference._warn_once.cache_clear()
    monkeypatch.setattr(engine_live, 'open_source',
                        lambda video: FrameSource('cam', camera(20, 100), 0, 100))
    monkeypatch.setattr(engine_live, 'is_running', lambda video: False)
    video = track_video(detector, 0, live=True)
    seen = []
    for tracked in video:
        seen.append((tracked.frame[0, 0, 0], tracked.time))
        time.sleep(.05)
    numbers, times = zip(*seen)
    assert len(seen) + video.source.newest.dropped == 20 and len(seen) < 15
    assert numbers[-1] == 19 and list(numbers) == sorted(numbers)
    assert times[0] == 0 and list(times) == sorted(times)
    video.close()
    assert sum('max_age is not set' in said for said in spoken) == 1
    with pytest.raises(ValueError, match='a .json has no place for'):
        track_video(detector, 0, live=True).save('x.json')
    with pytest.raises(TypeError, match='by its name'):
        track_video(detector, FrameSource('cam', camera(1), 0, 30), live=True)
