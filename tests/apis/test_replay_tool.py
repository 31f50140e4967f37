"""tools/analysis/replay.py against tools/test_video.py, as a user runs them."""
import importlib.util
import json
import pathlib
import re

import pytest

from mmdet.formats.detections import DetectionFile
from mmdet.utils.cli import run_tool

TOOLS = pathlib.Path(__file__).parents[2] / 'tools'


def run(name, *args):
    spec = importlib.util.spec_from_file_location('the_tool', TOOLS / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main([str(arg) for arg in args])


def both(path):
    return path.read_bytes(), pathlib.Path(f'{path}.json').read_bytes()


def replay(tiny, saved, out, *args):
    run('analysis/replay.py', saved.with_suffix('.det'), tiny.config, '--out', out, *args)


def refused(capsys, *args):
    """What replay.py says when it refuses."""
    with pytest.raises(SystemExit) as stop:
        run_tool(lambda: run('analysis/replay.py', *args))
    assert stop.value.code == 1
    return capsys.readouterr().err


@pytest.fixture(scope='module')
def saved(tiny, tmp_path_factory):
    """A finished test: its X.pkl, with X.det beside it."""
    out = tmp_path_factory.mktemp('saved') / 'x.pkl'
    run('test_video.py', tiny.config, tiny.checkpoint, '--out', out,
        '--save-detections', out.with_suffix('.det'))
    return out


def test_byte_for_byte_what_a_test_writes(tiny, saved, tmp_path):
    assert sorted(p.name for p in saved.parent.iterdir()) == ['x.det', 'x.pkl', 'x.pkl.json']
    options = ['--cfg-options', 'test_cfg.track.max_age=1', 'test_cfg.track.track_score=max',
               'test_cfg.track.label_memory=latest', 'model.track_head.match_coeff=0,2,0',
               *(f'test_cfg.track.{option}' for option in (
                   'similarity=bisoftmax', 'assigner=hungarian', 'start_thr=0.1',
                   'second_round.score_thr=0.15', 'embedding.type=MomentumEmbedding',
                   'cues.MotionIoU.weight=2', 'cues.MotionMaskIoU.weight=2',
                   'backward.iou_thr=0.2', 'after_video.DropDuplicates.iou_thr=0.6',
                   'after_video.LinkTracks.max_gap=5', 'after_video.VoteClass.by=score'))]
    run('test_video.py', tiny.config, tiny.checkpoint, '--out', tmp_path / 'x.pkl', *options)
    replay(tiny, saved, tmp_path / 'y.pkl', *options)
    assert both(tmp_path / 'y.pkl') == both(tmp_path / 'x.pkl') != both(saved)
    replay(tiny, saved, tmp_path / 'z.pkl')
    assert both(tmp_path / 'z.pkl') == both(saved)


def test_a_test_that_was_stopped(tiny, saved, tmp_path, capsys):
    whole = DetectionFile(saved.with_suffix('.det'))
    part = tmp_path / 'x.det'
    part.write_bytes(pathlib.Path(whole.path).read_bytes()[:whole.blocks[22].start + 99])
    args = [part, tiny.config, '--out', tmp_path / 'y.pkl']
    assert refused(capsys, *args) == (
        f'error: {part}: holds 1 of the 2 videos of {tiny.folder}/test.json; test them all, or '
        '--allow-partial takes the others for empty\n')
    run('analysis/replay.py', *args, '--allow-partial')
    records = [r for r in json.loads(pathlib.Path(f'{saved}.json').read_text())
               if r['video_id'] == 11]
    assert json.loads((tmp_path / 'y.pkl.json').read_text()) == records != []


def test_a_file_without_masks_for_matching(tiny, saved, tmp_path, capsys):
    old = tmp_path / 'old.det'
    old.write_bytes(saved.with_suffix('.det').read_bytes().replace(b'ions 2', b'ions 1', 1))
    assert f'{old}: was saved before masks were kept for matching' in refused(
        capsys, old, tiny.config, '--out', tmp_path / 'y.pkl',
        '--cfg-options', 'test_cfg.track.cues.MotionMaskIoU.weight=1')


@pytest.mark.parametrize('change, message', [
    (lambda c: c['videos'].pop(), 'has video 22, which .* does not list'),
    (lambda c: c['videos'][0].update(width=161),
     'video 11 has 8 frames of 160x96 pixels, in .* it has 8 frames of 161x96'),
    (lambda c: c['categories'][0].update(name='ring'),
     'was saved for the classes disc, box, triangle, .* has ring, box, triangle')])
def test_another_annotation_file(tiny, saved, tmp_path, capsys, change, message):
    content = json.loads((tiny.folder / 'test.json').read_text())
    change(content)
    content['annotations'] = []
    (tmp_path / 'a.json').write_text(json.dumps(content))
    assert re.search(message, refused(
        capsys, saved.with_suffix('.det'), tiny.config, '--out', tmp_path / 'y.pkl',
        '--cfg-options', f'data.test.ann_file={tmp_path}/a.json'))
