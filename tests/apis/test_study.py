"""tools/analysis/study_tracking.py over planted detections."""
import importlib.util
import json
import logging
import pathlib
import re

import numpy as np
import pytest

from mmdet.apis.replay import ReplayOptions
from mmdet.apis.replay import run as replay
from mmdet.apis.study import StudyOptions, run
from mmdet.engine import option_sets
from mmdet.engine.option_sets import ALONE, with_part
from mmdet.engine.search import Search, Trial, TrialLog
from mmdet.engine.study import Study
from mmdet.evaluation.seeds import mean_over_seeds
from mmdet.models.detectors.masktrack_rcnn import TRACK_TEST_KEYS
from mmdet.utils.cli import run_tool

TOOL = pathlib.Path(__file__).parents[2] / 'tools/analysis/study_tracking.py'


def test_intervals_over_seeds():
    assert mean_over_seeds([3]) == (3, None)
    mean, (low, high) = mean_over_seeds([1, 2, 3])
    assert mean == 2 and high == pytest.approx(2 + 4.302653 / 3**.5) and low == 4 - high


def test_every_option_is_among_the_rows():
    assert {text.split('=')[0].split('.')[0] for text in ALONE} == set(TRACK_TEST_KEYS)


class Table:
    """A search whose scores are known; two folds."""
    fold = np.array([0, 1])

    def __init__(self, **scores):
        self.scores, self.asked = scores, []

    def trial(self, settings):
        self.asked.append(settings)
        return Trial(settings, *self.scores[''.join(sorted(settings))])


def test_another_type_takes_no_arguments_of_the_one_before_it():
    bank = {'track.embedding.type': 'EmbeddingBank', 'track.embedding.size': 20, 'track.max_age': 5}
    assert with_part(bank, {'track.embedding.type': 'MomentumEmbedding'}) == {
        'track.embedding.type': 'MomentumEmbedding', 'track.max_age': 5}
    assert with_part(bank, {'track.max_age': 9}) == {**bank, 'track.max_age': 9}


def test_what_is_chosen():
    low, seeds = (0, [0, 0]), [
        Table(a=(4, [5, 1]), b=(5, [1, 2]), ab=(9, [9, 0]), ac=(5, [5, 4]), bc=(6, [6, 6]),
              abc=(8, [8, 8]), c=(3, [1, 1])),
        Table(a=(5, [5, 1]), b=(5, [1, 2]), ab=(9, [9, 0]), ac=(5, [5, 4]), bc=(6, [6, 6]),
              abc=(9, [8, 8]), c=(3, [1, 1]))]
    for seed in seeds:
        seed.scores[''] = low
    study = Study(seeds, [TrialLog(None, {}), TrialLog(None, {})], logging.getLogger())
    parts = {name: {name: 1} for name in 'abc'}
    assert study.best(list(parts.values()), None) == {'b': 1}  # 5 of 4.5, 5, 3
    assert study.best(list(parts.values()), 0) == {'a': 1}
    assert study.combine({}, parts, None).parts == ['b', 'a']  # c would take it from 9 to 8.5
    assert study.combine({}, parts, 0).parts == ['a', 'b']
    assert study.combine({}, parts, 1).parts == ['b', 'c', 'a']
    for seed in seeds:  # each once, in whatever order it was put together
        assert len(seed.asked) == len({frozenset(settings) for settings in seed.asked})


@pytest.fixture
def options(planted, tmp_path):
    ann = planted['cfg_options']['data.test.ann_file']
    replay(ReplayOptions(**planted, out=str(tmp_path / 'y.pkl')))
    return StudyOptions(
        config=[planted['config']], detections=[planted['detections']] * 2, ann=[ann],
        results=[f'again={tmp_path}/y.pkl.json,{tmp_path}/y.pkl.json'], trials=2,
        set=[['by looks', 'model.track_head.match_coeff.1=0']],
        cfg_options={'model.track_head.match_coeff': [1, 30, 0]},
        keep=str(tmp_path / 'kept'), out=str(tmp_path / 't.md'), json=str(tmp_path / 't.json'))


def test_a_study(options, monkeypatch, tmp_path):
    monkeypatch.setattr(option_sets, 'ALONE', ALONE[1:8:3])
    found = run(options)
    rows = {row.name: row for row in found.rows}
    baseline, looks = rows['2019 tracking'], rows['by looks']
    assert found.rows[0] is baseline and baseline.values[0] == baseline.values[1] < 30
    for name in ('by looks', 'best combination', '2019 tracking, true ids'):
        assert rows[name].values == pytest.approx([100, 100]), name
    change = looks.difference(baseline)
    assert [change.mean, *change.interval] == pytest.approx([100 - baseline.values[0]] * 3)
    assert rows['again'].values == pytest.approx(baseline.values)
    text = (tmp_path / 't.md').read_text()
    assert re.search(r'\| by looks \| 2 \| 100.0 \| 100.0 to 100.0 \| \+\d', text)
    assert 'match_coeff=[' in text.split('```python')[1]
    written = json.loads((tmp_path / 't.json').read_text())
    assert [row['name'] for row in written['rows']] == list(rows)
    # A second run finds all its trials, and says the same.
    monkeypatch.setattr(Search, 'trial', None)
    (tmp_path / 't.md').unlink()
    assert run(options).rows == found.rows and (tmp_path / 't.md').read_text() == text


def test_result_files_alone(options):
    options.detections, options.results = [], [*options.results, *options.results]
    first, second = run(options).rows
    assert first.values == second.values and second.difference(first).mean == 0


@pytest.mark.parametrize('args, message', [
    ([], 'nothing to compare; give --detections'),
    (['--results', 'a'], '--results a: expected NAME=X.pkl.json,Y.pkl.json'),
    (['--set', 'linked'], '--set linked: expected a new name'),
    (['--set', 'a', 'test_cfg.track.maxage=1'], 'did you mean "max_age"'),
    (['--ann', 'a.json', 'b.json', 'c.json'], '--ann: 3 files for 1 seeds')])
def test_mistakes_are_one_sentence(planted, capsys, args, message):
    spec = importlib.util.spec_from_file_location('the_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    some = ['--detections', planted['detections']] if args and args[0] != '--results' else []
    ann = f'data.test.ann_file={planted["cfg_options"]["data.test.ann_file"]}'
    with pytest.raises(SystemExit) as stop:
        run_tool(lambda: module.main(['--config', planted['config'], *some, *args,
                                      '--cfg-options', ann]))
    said = capsys.readouterr().err
    assert stop.value.code == 1 and re.search(f'error: .*{re.escape(message)}', said), said
