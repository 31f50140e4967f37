"""tools/test_video.py as a user runs it."""
import importlib.util
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import zipfile

import av
import cv2
import pytest

from mmdet.engine import test_loop
from mmdet.formats.detections import DetectionFile
from mmdet.formats.result_files import dump_results, load_results
from mmdet.formats.results import from_classic
from mmdet.utils.cli import run_tool
from mmdet.utils.errors import UserError
from mmdet.visualization import count_frames

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'test_video.py'


def load_tool():
    spec = importlib.util.spec_from_file_location('test_video_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*args):
    assert load_tool().main([str(a) for a in args]) == 0


@pytest.fixture(scope='module')
def done(tiny, tmp_path_factory):
    """X.pkl of a finished test."""
    out = tmp_path_factory.mktemp('done') / 'x.pkl'
    run(tiny.config, tiny.checkpoint, '--out', out)
    return out


def test_writes_pkl_and_json_only(done):
    assert sorted(p.name for p in done.parent.iterdir()) == ['x.pkl', 'x.pkl.json']
    records = json.loads((done.parent / 'x.pkl.json').read_text())
    assert {r['video_id'] for r in records} == {11, 22}
    assert {len(r['segmentations']) for r in records} == {8, 3}


def test_load_result_rewrites_the_same_json(tiny, done):
    before = pathlib.Path(f'{done}.json').read_bytes()
    pathlib.Path(f'{done}.json').unlink()
    run(tiny.config, '--out', done, '--load-result')
    assert pathlib.Path(f'{done}.json').read_bytes() == before


def test_track_score_from_the_config(tiny, done, tmp_path):
    (tmp_path / 'x.pkl').write_bytes(done.read_bytes())
    run(tiny.config, '--out', tmp_path / 'x.pkl', '--load_result',
        '--cfg-options', 'test_cfg.track.track_score=max')
    means, peaks = (json.loads(pathlib.Path(f'{p}.json').read_text())
                    for p in (done, tmp_path / 'x.pkl'))
    assert all(a['score'] <= b['score'] for a, b in zip(means, peaks, strict=True))
    assert means != peaks


@pytest.mark.parametrize('form,files', [('mp4', ['t1.mp4', 't12.mp4']), ('png', ['t1', 't12'])])
def test_show_draws_real_frames(tiny, done, tmp_path, form, files):
    before = pathlib.Path(f'{done}.json').read_bytes()
    run(tiny.config, '--out', done, '--load_result', '--save_path', tmp_path / 'v',
        '--show_format', form, '--show_score_thr', 1.1)
    assert sorted(p.name for p in (tmp_path / 'v').iterdir()) == files
    assert pathlib.Path(f'{done}.json').read_bytes() == before
    if form == 'mp4':
        assert count_frames(tmp_path / 'v/t12.mp4') == 8
        run(tiny.config, '--out', done, '--load_result', '--save_path', tmp_path / 'old',
            '--codec', 'mpeg4')
        with av.open(str(tmp_path / 'old/t1.mp4')) as container:
            assert container.streams.video[0].codec.canonical_name == 'mpeg4'
    else:  # nothing scores 1.1: the bare frame, enlarged four times
        shown = cv2.imread(str(tmp_path / 'v/t12/00007.png'))
        frame = cv2.imread(str(tiny.folder / 'frames/t12/00007.png'))
        assert (shown == cv2.resize(frame, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)).all()


def edited(tiny, path, change):
    """A copy of the annotation file after ``change(content)``."""
    content = json.loads((tiny.folder / 'test.json').read_text())
    change(content)
    path.write_text(json.dumps(content))
    return f'data.test.ann_file={path}'


ERRORS = {
    'no checkpoint given': dict(checkpoint=None),
    'missing.pth: no such checkpoint': dict(checkpoint='missing.pth'),
    'x.txt: expected a name that ends with .pkl': dict(out='x.txt'),
    'unknown "meam"; did you mean "mean"': dict(options=['test_cfg.track.track_score=meam']),
    '3 of 11 frames are missing': dict(change=lambda c: c['videos'][1]['file_names'].__setitem__(
        slice(None), ['gone.png', 'gone2.png', 'gone3.png'])),
    'expected 161x96 pixels .* got 160x96': dict(change=lambda c: c['videos'][0].update(width=161)),
    '2 classes need num_classes=3 .* bbox_head has 4': dict(change=lambda c: (
        c['categories'].pop(), c.__setitem__('annotations', []))),
    '--gpus 0': dict(extra=['--gpus', '0']),
    'number of processes.*to 512, got 100000': dict(extra=['--proc_per_gpu', '100000']),
    '--workers must be .* from 0 to 512, got 100000': dict(extra=['--workers', '100000']),
}


@pytest.mark.parametrize('message', ERRORS)
def test_errors_come_before_any_inference(tiny, tmp_path, capsys, message):
    case = dict(checkpoint=tiny.checkpoint, out='x.pkl', options=[], extra=[]) | ERRORS[message]
    if 'change' in case:
        case['options'] = [edited(tiny, tmp_path / 'a.json', case['change'])]
    args = [tiny.config, *filter(None, [case['checkpoint']]), '--out', tmp_path / case['out'],
            *case['extra']]
    args += ['--cfg-options', *case['options']] if case['options'] else []
    with pytest.raises(SystemExit) as stop:
        run_tool(lambda: load_tool().main([str(a) for a in args]))
    said = capsys.readouterr().err
    assert stop.value.code == 1 and re.search(f'^error: .*{message}', said), said
    assert not (tmp_path / 'x.pkl').exists()


def test_without_annotations_only_the_json(tiny, done, tmp_path, spoken):
    (tmp_path / 'x.pkl').write_bytes(done.read_bytes())
    option = edited(tiny, tmp_path / 'a.json', lambda c: c.pop('annotations'))
    run(tiny.config, '--out', tmp_path / 'x.pkl', '--load_result', '--eval', 'segm',
        '--cfg-options', option)
    assert any('has no annotations' in text for text in spoken)
    assert (tmp_path / 'x.pkl.json').read_bytes() == pathlib.Path(f'{done}.json').read_bytes()


def test_format_only_packs_one_file(tiny, done, tmp_path):
    (tmp_path / 'x.pkl').write_bytes(done.read_bytes())
    run(tiny.config, '--out', tmp_path / 'x.pkl', '--load_result', '--format_only')
    with zipfile.ZipFile(tmp_path / 'results.zip') as packed:
        assert packed.namelist() == ['results.json']
        want = pathlib.Path(f'{done}.json').read_text()
        assert json.loads(packed.read('results.json')) == json.loads(want)


def test_json_lines_give_the_same_json(tiny, done, tmp_path):
    dump_results(from_classic(load_results(str(done))), str(tmp_path / 'x.jsonl'))
    run(tiny.config, '--out', tmp_path / 'x.jsonl', '--load_result')
    want = pathlib.Path(f'{done}.json').read_bytes()
    assert (tmp_path / 'x.jsonl.json').read_bytes() == want


@pytest.mark.parametrize('part, value, message', [
    ('masks', dict(size=[96, 160], counts=''), 'its counts are empty'),
    ('masks', dict(size=[9999, 160], counts='PPPP'), r'its size is \[9999, 160\], the video'),
    ('masks', 7, 'expected a compressed RLE'), ('boxes', [float('nan')] * 4, 'finite numbers'),
    ('boxes', [-1e9, 0, 1, 1], 'finite numbers'), ('ids', -1, 'negative or used twice')])
def test_results_that_nobody_may_draw(tiny, done, tmp_path, capsys, part, value, message):
    dump_results(from_classic(load_results(str(done))), str(tmp_path / 'x.jsonl'))
    head, first, *rest = (tmp_path / 'x.jsonl').read_text().splitlines()
    line = json.loads(first)
    line[part][0] = value
    (tmp_path / 'x.jsonl').write_text('\n'.join([head, json.dumps(line), *rest]))
    args = tiny.config, '--out', tmp_path / 'x.jsonl', '--load_result', '--show'
    with pytest.raises(SystemExit):
        run_tool(lambda: load_tool().main([str(a) for a in args]))
    assert re.search(f'^error: results: t12/00000.png: .*{message}', capsys.readouterr().err)
    assert os.listdir(tmp_path) == ['x.jsonl']


def start(tiny, out, *args):
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONUNBUFFERED='1')
    return subprocess.Popen(
        [sys.executable, str(TOOL), tiny.config, tiny.checkpoint, '--out', str(out), *args],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_kill_leaves_nothing_half_written(tiny, tmp_path):
    out = tmp_path / 'x.pkl'
    out.write_bytes(b'earlier')
    process = start(tiny, out)
    while 'loaded' not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert out.read_bytes() == b'earlier'
    assert not (tmp_path / 'x.pkl.json').exists()


def test_two_processes_give_the_same_json(tiny, done, tmp_path):
    process = start(tiny, tmp_path / 'x.pkl', '--gpus', '1', '--proc_per_gpu', '2',
                    '--save-detections', tmp_path / 'x.det')
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text
    assert (tmp_path / 'x.pkl.json').read_bytes() == pathlib.Path(f'{done}.json').read_bytes()
    assert sorted(os.listdir(tmp_path)) == ['x.det', 'x.pkl', 'x.pkl.json']
    saved = DetectionFile(tmp_path / 'x.det')
    assert list(saved.blocks) == [11, 22] and len(saved.read(11).frames) == 8


@pytest.fixture
def stopped(tiny, tmp_path, monkeypatch):
    """``x.pkl`` of a test that was stopped in its second video."""
    whole = test_loop.track_video

    def stops(detector, preprocess, items, *args):
        for item, result in whole(detector, preprocess, items, *args):
            yield item, result
            if item['img_meta']['video_id'] == 22:
                raise KeyboardInterrupt

    monkeypatch.setattr(test_loop, 'track_video', stops)
    with pytest.raises(KeyboardInterrupt):
        run(tiny.config, tiny.checkpoint, '--out', tmp_path / 'x.pkl')
    monkeypatch.setattr(test_loop, 'track_video', whole)
    assert os.listdir(tmp_path) == ['x.pkl.partial.0']
    return tmp_path / 'x.pkl'


@pytest.mark.parametrize('killed_while_writing', [False, True])
def test_a_stopped_test_goes_on_and_ends_with_the_same_bytes(tiny, done, stopped, spoken,
                                                             killed_while_writing):
    if killed_while_writing:
        with open(f'{stopped}.partial.0', 'ab') as file:
            file.write(b'{"video":22,"frames":[{"boxes"')
    run(tiny.config, tiny.checkpoint, '--out', stopped, '--resume')
    assert '1 of 2 videos are finished already' in spoken
    for name in ('', '.json'):
        assert pathlib.Path(f'{stopped}{name}').read_bytes() == pathlib.Path(
            f'{done}{name}').read_bytes()
    assert sorted(os.listdir(stopped.parent)) == ['x.pkl', 'x.pkl.json']


@pytest.mark.parametrize('flags, said', [
    ([], 'videos that an earlier test finished; go on with --resume'),
    (['--resume', '--cfg-options', 'test_cfg.rcnn.score_thr=0.3'], 'made with another config'),
    (['--resume', '--save-detections', 'x'], '--save-detections keeps all videos of one test')])
def test_finished_videos_are_neither_lost_nor_mixed(tiny, stopped, flags, said):
    before = pathlib.Path(f'{stopped}.partial.0').read_bytes()
    with pytest.raises(UserError, match=said):
        run(tiny.config, tiny.checkpoint, '--out', stopped, *flags)
    assert pathlib.Path(f'{stopped}.partial.0').read_bytes() == before
