"""tools/analysis/tune_tracking.py as a user runs it."""
import importlib.util
import json
import pathlib
import re

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.apis.replay import ReplayOptions
from mmdet.apis.replay import run as replay
from mmdet.apis.tune import TuneOptions, run
from mmdet.engine.search_space import overrides
from mmdet.evaluation.tracking_metrics import COMBINED, headline, tracking_scores
from mmdet.formats import YTVOS
from mmdet.formats.detections import DetectionWriter, FrameDetections
from mmdet.models.detectors.masktrack_rcnn import TRACK_TEST_KEYS
from mmdet.utils.cli import run_tool

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs/masktrack_rcnn_r18_fpn_shapes.py')
CLASSES = ['disc', 'box', 'triangle']


def square(x, y, side=8):
    mask = np.zeros((32, 48), np.uint8, 'F')
    mask[y:y + side, x:x + side] = 1
    return mask_utils.encode(mask)


@pytest.fixture(scope='module')
def planted(tmp_path_factory):
    """Two objects that jump about: boxes say nothing about who is who, embeddings do.

    ``options`` for a search, the annotation file among them.
    """
    folder, rng = tmp_path_factory.mktemp('planted'), np.random.default_rng(0)
    videos, annotations = [], []
    writer = DetectionWriter(folder / 'x.det', dict(classes=CLASSES, videos=6))
    for vid in range(1, 7):
        names = [f'{vid}/{t}.png' for t in range(8)]
        videos.append(dict(id=vid, file_names=names, length=8, height=32, width=48))
        swapped = rng.permutation([0, 1, 0, 1, 0, 1, 0, 1]).tolist()
        places = [[(4 + 24 * (n ^ s), 8) for s in swapped] for n in (0, 1)]
        for n in (0, 1):
            rles = [square(*place) for place in places[n]]
            annotations.append(dict(
                id=len(annotations) + 1, video_id=vid, category_id=1, iscrowd=0,
                segmentations=[dict(r, counts=r['counts'].decode()) for r in rles],
                bboxes=[[*place, 8, 8] for place in places[n]], areas=[64] * 8))
        writer.add(vid, (32, 48), [FrameDetections(
            np.array([[*places[n][t], places[n][t][0] + 7, 15] for n in (0, 1)], np.float32),
            np.array([.9, .8], np.float32), np.zeros(2, np.int64), np.ones((2, 4), np.float32) / 4,
            np.eye(2, dtype=np.float32) * 3, [square(*places[n][t]) for n in (0, 1)])
            for t in range(8)])
    writer.close()
    (folder / 'ann.json').write_text(json.dumps(dict(
        videos=videos, annotations=annotations,
        categories=[dict(id=i + 1, name=name) for i, name in enumerate(CLASSES)])))
    return dict(detections=str(folder / 'x.det'), config=CONFIG,
                cfg_options={'data.test.ann_file': str(folder / 'ann.json'),
                             'model.track_head.match_coeff': [1, 30, 0]})


def test_finds_that_boxes_mislead(planted, tmp_path):
    options = TuneOptions(**planted, space=['model.track_head.match_coeff.1=0,40'], trials=2,
                          sampler='grid', samples=50, out=str(tmp_path / 't.jsonl'),
                          plot=str(tmp_path / 't.png'))
    tuned = run(options)
    assert tuned.scores['config'][0] < 30 and tuned.scores['held_out'][0] == pytest.approx(100)
    assert tuned.scores['difference'][1][0] > 0 and tuned.share_better == 1
    assert tuned.best.settings['model.track_head.match_coeff.1'] == 0
    assert (tmp_path / 't.png').read_bytes().startswith(b'\x89PNG')
    # AP is what a test with these settings scores
    options = dict(planted['cfg_options'], **overrides(tuned.cfg, list(tuned.best.settings)))
    for cfg_options, ap in ((planted['cfg_options'], tuned.trials[0].score), (options, 100)):
        scored = replay(ReplayOptions(**dict(planted, cfg_options=cfg_options), eval=['segm'],
                                      out=str(tmp_path / 'y.pkl')))
        assert 100 * scored['segm']['AP'] == pytest.approx(ap)


@pytest.mark.parametrize('objective', ['hota', 'idf1'])
def test_identities_as_objective(planted, tmp_path, objective):
    pytest.importorskip('trackeval')
    tuned = run(TuneOptions(**planted, space=['model.track_head.match_coeff.1=0,40'], trials=2,
                            sampler='grid', samples=50, objective=objective))
    assert tuned.scores['config'][0] < 80 and tuned.best.score == pytest.approx(100)
    scored = replay(ReplayOptions(**planted, out=str(tmp_path / 'y.pkl')))
    assert scored == {}
    gt = YTVOS(planted['cfg_options']['data.test.ann_file'])
    pooled = tracking_scores(gt, gt.loadRes(str(tmp_path / 'y.pkl.json')))[COMBINED]
    name = dict(hota='HOTA', idf1='IDF1')[objective]
    assert tuned.trials[0].score == pytest.approx(100 * headline(pooled)[name])


def test_all_that_is_varied_by_default(planted, tmp_path):
    tuned = run(TuneOptions(**planted, trials=6, samples=0))
    assert {key.split('.')[2] for key in tuned.trials[1].settings if key.startswith('test_cfg')
            } == set(TRACK_TEST_KEYS)
    best = {'data.test.ann_file': planted['cfg_options']['data.test.ann_file'],
            **overrides(tuned.cfg, list(tuned.best.settings))}
    scored = replay(ReplayOptions(**dict(planted, cfg_options=best), eval=['segm'],
                                  out=str(tmp_path / 'y.pkl')))
    assert tuned.best.score > tuned.trials[0].score
    assert 100 * scored['segm']['AP'] == pytest.approx(tuned.best.score)


@pytest.mark.parametrize('args, message', [
    (['--space', 'test_cfg.track.max_age'], 'expected KEY=A,B,C or KEY=LOW:HIGH'),
    (['--space', 'model.track_head.match_coeff.7=1,2'], 'the config has no such place'),
    (['--space', 'test_cfg.track.maxage=1,2'], 'did you mean "max_age"'),
    (['--space', 'test_cfg.track.track_score=max,meam'], 'did you mean "mean"'),
    (['--folds', '7'], '--folds 7: expected 2 to 6'), (['--trials', '0'], '--trials 0')])
def test_mistakes_are_one_sentence(planted, capsys, args, message):
    spec = importlib.util.spec_from_file_location(
        'the_tool', ROOT / 'tools/analysis/tune_tracking.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    options = [f'{key}={value}' for key, value in planted['cfg_options'].items()]
    with pytest.raises(SystemExit) as stop:
        run_tool(lambda: module.main([planted['detections'], CONFIG, *args, '--cfg-options',
                                      *options[:1]]))
    said = capsys.readouterr().err
    assert stop.value.code == 1 and re.search(f'error: .*{re.escape(message)}', said), said
