"""tools/analysis/tune_tracking.py as a user runs it."""
import importlib.util
import pathlib
import re

import pytest

from mmdet.apis.replay import ReplayOptions
from mmdet.apis.replay import run as replay
from mmdet.apis.tune import TuneOptions, run, snippet
from mmdet.engine.search import WHOLE
from mmdet.engine.search_space import overrides, with_settings
from mmdet.evaluation.tracking_metrics import COMBINED, headline, tracking_scores
from mmdet.formats import YTVOS
from mmdet.formats.detections import MAGIC
from mmdet.models.detectors.masktrack_rcnn import TRACK_TEST_KEYS
from mmdet.utils import load_config
from mmdet.utils.cli import run_tool

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs/masktrack_rcnn_r18_fpn_shapes.py')


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


def test_guided_search_holds_out_what_it_guesses_from(planted, tmp_path):
    pytest.importorskip('optuna')
    options = TuneOptions(**planted, space=['model.track_head.match_coeff.1=0:40',
                                            'test_cfg.track.max_age=None,5'], trials=3,
                          sampler='tpe', samples=0, out=str(tmp_path / 't.jsonl'))
    tuned = run(options)
    folds = [trial.guessed_from for trial in tuned.trials]
    assert folds == [None, *3 * [0, 1, WHOLE]]  # each fold three trials, and all videos
    assert tuned.best.guessed_from in (None, WHOLE)
    lines = (tmp_path / 't.jsonl').read_text().splitlines(keepends=True)
    (tmp_path / 't.jsonl').write_text(''.join(lines[:6]))
    assert run(options).trials == tuned.trials  # goes on as if it had not been stopped


@pytest.mark.parametrize('settings, want', [
    ({'test_cfg.track.embedding.type': 'LastEmbedding'},
     dict(embedding=dict(type='LastEmbedding'), assigner='hungarian',
          second_round=dict(score_thr=.3))),
    ({'test_cfg.track.embedding.type': 'EmbeddingBank', 'test_cfg.track.max_age': 9},
     dict(embedding=dict(type='EmbeddingBank', size=20, decay=1.), assigner='hungarian',
          second_round=dict(score_thr=.3), max_age=9)),
    ({'test_cfg.track.assigner': 'greedy', 'test_cfg.track': None}, dict(assigner='greedy'))])
def test_lines_to_paste_give_what_was_measured(tmp_path, settings, want):
    base = CONFIG.replace('shapes', 'shapes_hard_modern')
    cfg = load_config(base)
    assert with_settings(cfg, settings).test_cfg.track == want
    child = tmp_path / 'child.py'
    child.write_text(f'_base_ = {base!r}\n{snippet(cfg, settings)}\n')
    assert load_config(str(child)).test_cfg.track == want


def test_a_file_without_masks_for_matching(planted, tmp_path):
    _, _, rest = pathlib.Path(planted['detections']).read_bytes().partition(MAGIC)
    old = tmp_path / 'old.det'
    old.write_bytes(b'mmdet detections 1\n' + rest)
    tuned = run(TuneOptions(**dict(planted, detections=str(old)), trials=2, samples=0))
    assert not any('MotionMaskIoU' in key for key in tuned.trials[1].settings)


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
    (['--space', 'test_cfg.track.embedding.type=LastEmbedding',
      'test_cfg.track.embedding.size=5,10'], 'embedding.size: no type that is tried takes it'),
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
