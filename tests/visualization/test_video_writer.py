"""Videos open again with every frame; without an encoder a strip is written."""
import resource

import cv2
import numpy as np
import pytest

from mmdet.utils.errors import CannotWrite
from mmdet.visualization import VideoWriter, contact_strip, count_frames, video
from mmdet.visualization.encoders import check_codec
from mmdet.visualization.strip import Sampler, spread


def grey(level, shape=(48, 65, 3)):
    return np.full(shape, level, np.uint8)


def test_video_has_every_frame(tmp_path):
    path = tmp_path / 'new' / 'a.mp4'
    with VideoWriter(path, fps=5) as writer:
        for level in range(0, 210, 30):
            writer.write(grey(level))
    assert count_frames(path) == 7 and writer.close() == writer.written == path
    assert [p.name for p in path.parent.iterdir()] == ['a.mp4']
    frame = cv2.VideoCapture(str(path)).read()[1]
    assert frame.shape == (48, 66, 3) and frame.mean() < 20


def test_error_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match='frame 1 is 65x10, the first was 65x48'):
        with VideoWriter(tmp_path / 'a.mp4') as writer:
            writer.write(grey(0))
            writer.write(grey(0, (10, 65, 3)))
    assert list(tmp_path.iterdir()) == []


def test_no_frames_no_file(tmp_path):
    writer = VideoWriter(tmp_path / 'a.mp4')
    assert writer.close() is None and list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match='ends with .mp4'):
        VideoWriter(tmp_path / 'a.mov')


def test_strip_without_encoder(tmp_path, monkeypatch, spoken):
    monkeypatch.setattr(video, 'working_encoder', lambda codec: None)
    writer = VideoWriter(tmp_path / 'a.mp4', strip_frames=4)
    for level in range(20):
        writer.write(grey(level * 10))
    assert writer.close() == tmp_path / 'a.png'
    assert len(spoken) == 1 and 'no working mp4 encoder' in spoken[0]
    assert cv2.imread(str(tmp_path / 'a.png')).shape == (48, 4 * 67 - 2, 3)


def test_strip_layout():
    sheet = contact_strip([grey(10 * i) for i in range(6)], columns=3, gap=2)
    assert sheet.shape == (98, 199, 3)
    assert sheet[20, 70, 0] == 10 and sheet[60, 3, 0] == 30 and sheet[48, 0, 0] == 255
    assert max(contact_strip([grey(0)] * 100, max_side=200).shape) <= 200
    with pytest.raises(ValueError, match='got none'):
        contact_strip([])


@pytest.mark.parametrize('length', [0, 1, 7, 8, 9, 100])
def test_sampler_is_even(length):
    sampler = Sampler(8)
    for t in range(length):
        sampler.add(t)
    picked = sampler.picked()
    assert len(picked) == min(8, length) and picked[:1] == [0][:length]
    gaps = np.diff(picked)
    assert len(gaps) == 0 or gaps.max() <= 2 * gaps.min()


@pytest.mark.parametrize('length, count, picked', [
    (0, 3, []), (1, 3, [0]), (3, 8, [0, 1, 2]), (9, 3, [0, 4, 8]), (5, 1, [0])])
def test_evenly_chosen(length, count, picked):
    assert spread(range(length), count) == picked


def test_what_players_want(tmp_path):
    av = pytest.importorskip('av')
    path = tmp_path / 'a.mp4'
    with VideoWriter(path, fps=25) as writer:
        for level in range(5):
            writer.write(grey(level * 40))
    data = path.read_bytes()
    assert data.find(b'moov') < data.find(b'mdat')  # a player can start at once
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ('h264', 'yuv420p')
        assert stream.frames == 5 and stream.average_rate == 25


@pytest.mark.parametrize('codec, name', [('h264', 'h264'), ('mpeg4', 'mpeg4'), ('vp9', 'vp9')])
def test_codecs(tmp_path, codec, name):
    av = pytest.importorskip('av')
    with VideoWriter(tmp_path / 'a.mp4', codec=check_codec(codec)) as writer:
        for level in range(3):
            writer.write(grey(level * 100, (64, 64, 3)))
    with av.open(str(tmp_path / 'a.mp4')) as container:
        assert container.streams.video[0].codec.canonical_name == name
    with pytest.raises(ValueError, match='codec h265: unknown; expected auto, h264'):
        check_codec('h265')


def test_after_a_full_disk_nothing_more_is_written(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        writer = VideoWriter(tmp_path / 'a.mp4')
        for _ in range(2):
            with pytest.raises(CannotWrite, match=r'a.mp4: cannot be written \(File too large\)'):
                for level in range(40):
                    writer.write(grey(level))
                writer.close()
        writer.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
