"""The demo: files of every video, whatever ends it."""
import importlib.util
import json
import os
import pathlib
import signal

import cv2
import numpy as np
import pytest

from mmdet.apis import demo, drawings, inference, inference_detector, init_detector
from mmdet.apis.demo import DemoOptions, run_demo
from mmdet.engine.stops import Stopped
from mmdet.formats import video_json
from mmdet.formats.sources import open_source, videos_under
from mmdet.utils.cli import run_tool
from mmdet.utils.errors import BadValue, CannotWrite
from mmdet.visualization import VideoWriter, count_frames

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'demo.py'


@pytest.fixture(scope='module')
def detector(tiny):
    return init_detector(tiny.config, tiny.checkpoint, 'cpu')


@pytest.fixture(scope='module')
def found(tiny, detector):
    return inference_detector(detector, tiny.folder / 'frames/t1')


@pytest.fixture
def track(tiny, detector, tmp_path, monkeypatch):
    """``track(video, ...)`` runs the demo into ``tmp_path / 'out'`` with the tiny model."""
    monkeypatch.setattr(demo, 'init_detector', lambda *args: detector)

    def run(video, **options):
        return run_demo(DemoOptions(tiny.config, None, video, str(tmp_path / 'out'),
                                    device='cpu', **options))

    return run


@pytest.fixture(params=['alone', 'threads'])
def overlap(request, monkeypatch):
    """Reading, network and drawing one after the other, and in threads as on a GPU's machine."""
    if request.param == 'threads':
        for module in (drawings, inference):
            monkeypatch.setattr(module, 'default_workers', lambda device: 1)


def listing(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())


def video_file(tiny, path, count=3, **options):
    with VideoWriter(path, **options) as writer:
        for t in range(count):
            writer.write(cv2.imread(str(tiny.folder / f'frames/t1/{t % 3:05d}.png')))
    return path


def test_files_of_a_video(tiny, track, found, tmp_path, overlap):
    content, = track(str(tiny.folder / 'frames/t1'), masks=True, score_thr=0.5)
    folder = tmp_path / 'out/t1'
    strong = [f'masks/{i:03d}/{t:05d}.png' for t, r in enumerate(found)
              for i, score in zip(r.obj_ids, r.scores) if score >= 0.5]
    assert listing(folder) == sorted(['t1.json', 't1.mp4', *strong])
    assert count_frames(folder / 't1.mp4') == 3
    assert set(np.unique(cv2.imread(str(folder / strong[0]))).tolist()) <= {0, 255}
    assert json.loads((folder / 't1.json').read_text()) == content


def test_the_json(tiny, track, found):
    content, = track(str(tiny.folder / 'frames/t1'), fps=5)
    assert (content['format'], content['version']) == (video_json.FORMAT, 1)
    assert content['video'] == dict(
        name='t1', source=str(tiny.folder / 'frames/t1'), width=160, height=96, fps=5, frames=3,
        complete=True, times=None)
    assert [t['id'] for t in content['tracks']] == list(dict.fromkeys(
        i for r in found for i in r.obj_ids.tolist()))
    for row in content['tracks']:
        for t, result in enumerate(found):
            at = np.flatnonzero(result.obj_ids == row['id'])
            if not len(at):
                assert row['bboxes'][t] is row['scores'][t] is row['segmentations'][t] is None
                continue
            x, y, w, h = row['bboxes'][t]
            assert np.allclose([x, y, x + w - 1, y + h - 1], result.boxes[at[0]], atol=0.011)
            assert row['scores'][t] == result.scores[at[0]]
            assert row['segmentations'][t]['counts'].encode() == result.masks[at[0]]['counts']


def test_a_picture_gives_a_picture(tiny, track, tmp_path):
    content, = track(str(tiny.folder / 'frames/t1/00000.png'))
    assert listing(tmp_path / 'out') == ['00000/00000.json', '00000/00000.png']
    assert cv2.imread(str(tmp_path / 'out/00000/00000.png')).shape == (4 * 96, 4 * 160, 3)
    assert content['video']['frames'] == 1 and content['video']['complete']


def test_names_of_videos_do_not_mix(tiny, track, tmp_path):
    clips = [video_file(tiny, tmp_path / 'in' / name, 1)
             for name in ('clip.v1.mp4', 'clip.v2.mp4', 'other/clip.v1.mp4')]
    for _ in range(2):  # a second run takes the same places
        assert len(track(str(tmp_path / 'in'), masks=True)) == 3
        assert sorted(os.listdir(tmp_path / 'out')) == ['clip.v1', 'clip.v1_2', 'clip.v2']
    again, = track(str(clips[2]))
    assert again['video']['source'] == str(clips[2])
    assert json.loads((tmp_path / 'out/clip.v1_2/clip.v1.json').read_text()) == again
    assert not (tmp_path / 'out/clip.v1_2/masks').is_dir() or not listing(
        tmp_path / 'out/clip.v1_2/masks')


def test_folders_of_folders(tiny, tmp_path):
    assert [os.path.basename(p) for p in videos_under(str(tiny.folder / 'frames'))] == ['t1', 't12']
    assert videos_under(str(tiny.folder / 'frames/t1')) == [str(tiny.folder / 'frames/t1')]
    (tmp_path / 'a/b').mkdir(parents=True)
    with pytest.raises(ValueError, match='no pictures and no videos in this folder or those in'):
        videos_under(str(tmp_path))


def test_a_bad_frame_keeps_those_before(tiny, track, tmp_path, overlap):
    folder = tmp_path / 'in'
    folder.mkdir()
    for t in range(3):
        cv2.imwrite(str(folder / f'{t}.png'), np.zeros((96, 160 if t < 2 else 150, 3), np.uint8))
    with pytest.raises(BadValue, match='in/2.png: 150x96 pixels, the frames before have 160x96'):
        track(str(folder))
    (folder / '2.png').write_text('text')
    with pytest.raises(BadValue, match='in/2.png: expected a picture'):
        track(str(folder))
    content = json.loads((tmp_path / 'out/in/in.json').read_text())
    assert (content['video']['frames'], content['video']['complete']) == (2, False)
    assert count_frames(tmp_path / 'out/in/in.mp4') == 2


def test_one_bad_video_does_not_end_the_others(tiny, track, tmp_path, spoken):
    video_file(tiny, tmp_path / 'in/b.mp4', 2)
    (tmp_path / 'in/a.mp4').write_text('text')
    with pytest.raises(BadValue, match='1 of 2 videos failed'):
        track(str(tmp_path / 'in'))
    assert [line for line in spoken if 'a.mp4: no frame could be read' in line]
    assert listing(tmp_path / 'out') == ['b/b.json', 'b/b.mp4']


def test_a_video_cut_short_is_told(tiny, track, tmp_path, spoken):
    path = video_file(tiny, tmp_path / 'cut.mp4', 6)
    data = path.read_bytes()
    path.write_bytes(data[:len(data) * 2 // 3])
    content, = track(str(path))
    told, = [line for line in spoken if 'of the 6 frames that the file says it has' in line]
    assert f'only {content["video"]["frames"]} of' in told and 'cut.mp4' in told
    assert 0 < content['video']['frames'] < 6 and not content['video']['complete']


@pytest.mark.parametrize('signum, status', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_was_found(tiny, track, tmp_path, monkeypatch, signum, status):
    inner, seen = demo.VideoTracks.add, []

    def add(tracks, result, size):
        inner(tracks, result, size)
        seen.append(result)
        if len(seen) == 2:
            os.kill(os.getpid(), signum)

    monkeypatch.setattr(demo.VideoTracks, 'add', add)
    before = signal.getsignal(signum)
    with pytest.raises(Stopped) as stop:
        track(str(tiny.folder / 'frames/t1'))
    assert 128 + stop.value.signum == status and signal.getsignal(signum) is before
    content = json.loads((tmp_path / 'out/t1/t1.json').read_text())
    assert content['video']['frames'] == 2 == count_frames(tmp_path / 'out/t1/t1.mp4')


def test_a_second_ctrl_c_keeps_the_json(tiny, track, tmp_path, monkeypatch):
    monkeypatch.setattr('mmdet.engine.stops.PATIENCE', 0)

    def interrupt(*args):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(demo.Progress, 'update', interrupt)
    monkeypatch.setattr(drawings.VideoWriter, 'close', interrupt)
    with pytest.raises(Stopped):
        track(str(tiny.folder / 'frames/t1'))
    assert listing(tmp_path / 'out') == ['t1/t1.json']


def test_a_full_disk_keeps_the_json(tiny, track, tmp_path, monkeypatch, overlap):
    def full(self, frame, time=None):
        raise CannotWrite(f'{self.path}: cannot be written (No space left on device)')

    monkeypatch.setattr(drawings.VideoWriter, 'write', full)
    with pytest.raises(CannotWrite, match='t1.mp4: cannot be written'):
        track(str(tiny.folder / 'frames/t1'))
    assert listing(tmp_path / 'out') == ['t1/t1.json']


def test_a_json_that_cannot_be_written_lies_elsewhere(tiny, track, tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    inner = demo.write_json

    def full(content, path):
        if f'{tmp_path}/out/' in str(path):
            raise CannotWrite(f'{path}: cannot be written (No space left on device); make room')
        inner(content, path)

    monkeypatch.setattr(demo, 'write_json', full)
    with pytest.raises(CannotWrite, match='make room; it was written to .*t1.json instead'):
        track(str(tiny.folder / 'frames/t1'))
    kept, = tmp_path.glob('mmdet-kept-*/t1.json')
    assert json.loads(kept.read_text())['video']['frames'] == 3


def test_a_wide_video_stays_a_picture_one_can_look_at(track, tmp_path):
    for t in range(2):
        (tmp_path / 'wide').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f'wide/{t}.png'), np.zeros((40, 1600, 3), np.uint8))
    track(str(tmp_path / 'wide'), max_frames=1)
    drawn = next(open_source(str(tmp_path / 'out/wide/wide.mp4')).frames)
    assert drawn.shape == (40, 1600, 3)


@pytest.mark.parametrize('options, message', [
    (dict(fps=-5), '--fps -5: expected'), (dict(max_frames=0), '--max-frames 0: expected 1'),
    (dict(score_thr=float('nan')), '--score-thr nan'), (dict(codec='h266'), 'codec h266: unknown')])
def test_wrong_options(tiny, track, options, message):
    with pytest.raises(BadValue, match=message):
        track(str(tiny.folder / 'frames/t1'), **options)


def test_wrong_places(tiny, track, tmp_path):
    (tmp_path / 'out').write_text('')
    with pytest.raises(CannotWrite, match='/out is a file; name a folder'):
        track(str(tiny.folder / 'frames/t1'))
    (tmp_path / 'out').unlink()
    with pytest.raises(FileNotFoundError, match='gone: no such video file or folder'):
        track([str(tiny.folder / 'frames/t1'), 'gone'])
    assert not (tmp_path / 'out').exists()


def test_window_without_display(monkeypatch):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(ValueError, match='leave --show out'):
        drawings.check_window()


def test_the_command(tiny, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location('demo', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def call(*args):
        monkeypatch.setattr('sys.argv', ['demo.py', *args])
        with pytest.raises(SystemExit) as stop:
            run_tool(tool.main)
        return stop.value.code, capsys.readouterr()

    text = call('--help')[1].out
    assert 'camera index' in text and 'masks/ID/FRAME.png' in text and '--cfg-options' in text
    status, said = call(tiny.checkpoint, tiny.config, str(tiny.folder / 'frames/t1'))
    assert status == 1 and 'this is a checkpoint; the config comes first' in said.err
    status, said = call(tiny.config, tiny.checkpoint, '0', '--device', 'cuda:77')
    assert status == 1 and 'device cuda:77: ' in said.err
