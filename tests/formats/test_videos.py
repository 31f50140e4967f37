"""Video files: upright, with their times, and what is missing is told."""
import struct

import cv2
import numpy as np
import pytest

from mmdet.formats import videos
from mmdet.formats.sources import open_source
from mmdet.formats.videos import AvVideo, CvVideo, open_video
from mmdet.utils.errors import BadValue
from mmdet.visualization import VideoWriter

av = pytest.importorskip('av')
ONE = 1 << 16
TURNS = {  # where a player puts the x and y axis of the stored picture; np.rot90 of it
    0: (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30), -1: (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30),
    2: (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30), 1: (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30)}


def corner(level=0):
    """48x64 pixels, red with a blue corner above left; ``level`` of green tells frames apart."""
    frame = np.full((48, 64, 3), (20, level, 220), np.uint8)
    frame[:16, :16] = (220, 20, 20)
    return frame


def write(path, count=8, times=None, **options):
    with VideoWriter(path, **{'fps': 10, **options}) as writer:
        for t in range(count):
            writer.write(corner(20 * t), times and times[t])
    return str(path)


@pytest.fixture(params=['PyAV', 'OpenCV'])
def reader(request, monkeypatch):
    if request.param == 'OpenCV':
        monkeypatch.setattr(videos, 'av', None)
    return AvVideo if request.param == 'PyAV' else CvVideo


def test_colours_and_numbers(tmp_path, reader):
    video, frames = open_video(write(tmp_path / 'a.mp4'))
    assert type(video) is reader and (video.count, video.length, video.fps) == (8, 8, 10)
    for t, frame in enumerate(frames):
        assert np.abs(frame[40, 40].astype(int) - corner(20 * t)[40, 40]).max() <= 6
    assert np.allclose(video.times, np.arange(8) / 10) and video.damage() is None


@pytest.mark.parametrize('turn', TURNS)
def test_phones_hold_the_camera_as_they_like(tmp_path, reader, turn):
    path = write(tmp_path / 'a.mp4', 2)
    data = bytearray(open(path, 'rb').read())
    at = data.find(b'tkhd') + 4 + 4 + 20 + 16  # past version, times and ids, layer and volume
    assert struct.unpack('>9i', data[at:at + 36]) == TURNS[0]
    data[at:at + 36] = struct.pack('>9i', *TURNS[turn])
    open(path, 'wb').write(data)
    frame = next(open_source(path).frames)
    wanted = np.rot90(corner(), turn)
    assert frame.shape == wanted.shape
    assert np.abs(frame.astype(int) - wanted).mean() < 10


def test_times_of_a_variable_rate_go_in_and_out(tmp_path, reader):
    times = [0, .1, .15, .5, 2, 2.04, 3, 3.5]
    video, frames = open_video(write(tmp_path / 'a.mp4', times=times))
    assert len(list(frames)) == 8
    assert np.allclose(video.times, times, atol=.001)


@pytest.mark.parametrize('fps', [7, 24, 29.97, 0.5, 1 / 900])
def test_rates_are_exact(tmp_path, fps):
    source = open_source(write(tmp_path / 'a.mp4', fps=fps))
    assert source.fps == pytest.approx(fps, abs=1e-9 if fps != 29.97 else 1e-4)
    assert open_source(source.where, fps=3).fps == 3 and not open_source(source.where, 3).times


@pytest.mark.parametrize('codec', ['h264', 'mpeg4'])
def test_a_file_cut_short(tmp_path, reader, codec):
    path = write(tmp_path / 'a.mp4', 12, codec=codec)
    data = open(path, 'rb').read()
    if codec == 'mpeg4' and data.find(b'moov') > data.find(b'mdat'):
        pytest.skip('its index is at the end')
    open(path, 'wb').write(data[:-len(data) // 8])
    video, frames = open_video(path)
    read = len(list(frames))
    assert 0 < read < 12
    assert f'a.mp4: only {read} of the 12 frames that the file says' in video.damage()


def test_a_file_without_a_count_that_is_cut_short(tmp_path):
    with av.open(str(tmp_path / 'a.mkv'), 'w') as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for t in range(40):
            frame = av.VideoFrame.from_ndarray(corner(6 * t), format='bgr24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole, frames = open_video(tmp_path / 'a.mkv')
    assert len(list(frames)) == 40 and whole.damage() is None and whole.count == 0
    data = (tmp_path / 'a.mkv').read_bytes()
    (tmp_path / 'a.mkv').write_bytes(data[:len(data) // 2])
    cut, frames = open_video(tmp_path / 'a.mkv')
    assert len(list(frames)) < 30
    assert 'of the 4.0 seconds that the file says it has' in cut.damage()


def test_damage_in_the_middle_is_passed_over_and_told(tmp_path):
    path = write(tmp_path / 'a.mp4', 40)
    data = bytearray(open(path, 'rb').read())
    start = data.find(b'mdat') + (len(data) - data.find(b'mdat')) // 2
    for place in range(start, start + 200):
        data[place] ^= 0x5a
    open(path, 'wb').write(data)
    video, frames = open_video(path)
    assert len(list(frames)) > 10
    assert 'a.mp4: ' in video.damage() and 'fetch it again' in video.damage()


def test_no_video(tmp_path, reader):
    (tmp_path / 'a.mp4').write_bytes(b'')
    (tmp_path / 'b.mp4').write_bytes(open(write(tmp_path / 'c.mp4'), 'rb').read()[:200])
    for name in 'ab':
        with pytest.raises(BadValue, match=f'{name}.mp4: no frame could be read'):
            open_video(tmp_path / f'{name}.mp4')


def test_a_password_is_not_shown(reader):
    for password in ('secret', 'se@cret'):
        with pytest.raises(BadValue, match='http://127.0.0.1:1/x.mp4: no frame') as caught:
            open_video(f'http://me:{password}@127.0.0.1:1/x.mp4')
        assert 'cret' not in str(caught.value)


def test_frames_too_large_to_hold(tmp_path, monkeypatch, reader):
    path = write(tmp_path / 'a.mp4', 1)
    monkeypatch.setattr(videos, 'MAX_PIXELS', 1000)
    with pytest.raises(BadValue, match='frames of 64x48 pixels, expected at most 1000'):
        open_video(path)


def test_opencv_alone_writes_and_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'av', None)
    monkeypatch.setattr('mmdet.visualization.encoders.av', None)
    from mmdet.visualization import encoders
    encoders.working_encoder.cache_clear()
    try:
        path = write(tmp_path / 'a.mp4', codec='mpeg4')
        assert encoders.count_frames(path) == 8
        assert len(list(open_source(path).frames)) == 8
        assert cv2.VideoCapture(path).get(cv2.CAP_PROP_FPS) == 10
    finally:
        encoders.working_encoder.cache_clear()
