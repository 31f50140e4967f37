"""Search of tracking settings: spaces, trials and the file of them."""
import itertools
import json
import pathlib
import sys

import numpy as np
import pytest
from mmengine.config import Config

from mmdet.engine.guided_search import check_installed, guess_better
from mmdet.engine.search import WHOLE, Trial, TrialLog, best, best_by_fold, explained, split
from mmdet.engine.search_space import (DEFAULT, EMBEDDING, Axis, every_value, fitting, overrides,
                                       parse_axis, settings_to_try, with_settings)

ROOT = pathlib.Path(__file__).parents[2]


def first(n, axes, *args):
    return list(itertools.islice(settings_to_try(axes, *args), n))


def test_axes():
    assert parse_axis('a.b=None,5,latest,1.5') == Axis('a.b', (None, 5, 'latest', 1.5))
    assert parse_axis('a.0=-1:2.5') == Axis('a.0', low=-1, high=2.5)
    for text in ('a', 'a=', '=1,2', 'a=3:1', 'a=1:x', 'a=1,,2'):
        with pytest.raises(ValueError, match='expected KEY=A,B,C or KEY=LOW:HIGH'):
            parse_axis(text)


def test_settings_are_the_same_for_the_same_seed_and_go_on():
    axes = [Axis('a', low=0, high=4), Axis('b', (1, 2, 3))]
    some = first(20, axes, 'random', 7, 4)
    assert some[:5] == first(5, axes, 'random', 7, 4) != first(5, axes, 'random', 8, 4)
    assert all(0 <= s['a'] <= 4 for s in some) and {s['b'] for s in some} == {1, 2, 3}
    grid = first(99, axes, 'grid', 0, 5)
    assert len(grid) == 15 and {(s['a'], s['b']) for s in grid} == set(
        itertools.product((0, 1, 2, 3, 4), (1, 2, 3)))


def test_arguments_come_with_their_type():
    bank, last = ({f'{EMBEDDING}type': name, f'{EMBEDDING}size': 5, 'a': 1}
                  for name in ('EmbeddingBank', 'LastEmbedding'))
    assert fitting(bank) == bank and fitting({'a': 1}) == {'a': 1}
    assert fitting(last) == {f'{EMBEDDING}type': 'LastEmbedding', 'a': 1}
    axes = [parse_axis(f'{EMBEDDING}type=LastEmbedding,EmbeddingBank'),
            parse_axis(f'{EMBEDDING}size=5,10,20')]
    assert len(first(9, axes, 'grid', 0, 2)) == 4  # no size of the last one


def test_every_value_comes_up_before_a_search():
    axes = [parse_axis(text) for text in DEFAULT]
    seen = {(key, value) for settings in every_value(axes) for key, value in settings.items()}
    assert {(axis.key, value) for axis in axes
            for value in axis.choices or (axis.low, axis.high)} == seen


def test_what_is_recommended_can_be_found_by_the_default_search():
    axes = {axis.key: axis for axis in map(parse_axis, DEFAULT)}
    modern = Config.fromfile(str(
        ROOT / 'configs/masktrack_rcnn_r18_fpn_shapes_hard_modern.py')).test_cfg.track
    for name, value in modern.to_dict().items():
        for key, one in (value.items() if isinstance(value, dict) else [('', value)]):
            assert one in axes[f'test_cfg.track.{name}.{key}'.rstrip('.')].choices


def test_settings_in_a_config():
    cfg = Config(dict(model=dict(head=dict(coeff=(1., 2., 10))), test_cfg=dict(rpn=None)))
    new = with_settings(cfg, {'model.head.coeff.1': 5, 'test_cfg.track.max_age': None})
    assert new.model.head.coeff == [1, 5, 10] and new.test_cfg.track == dict(max_age=None)
    assert cfg.model.head.coeff == (1, 2, 10) and 'track' not in cfg.test_cfg
    assert overrides(new, ['model.head.coeff.1', 'model.head.coeff.0', 'test_cfg.track.max_age']
                     ) == {'model.head.coeff': [1, 5, 10], 'test_cfg.track.max_age': None}
    for key in ('model.head.other.1', 'model.head.coeff.3', 'model.head.coeff.x',
                'model.head.coeff.1.y'):
        with pytest.raises(KeyError, match='the config has no such place'):
            with_settings(cfg, {key: 1})


def test_folds_are_even():
    fold = split(11, 3, seed=0)
    assert sorted(np.bincount(fold)) == [3, 4, 4] and (fold != split(11, 3, seed=1)).any()
    with pytest.raises(ValueError, match='--folds 5: expected 2 to 4'):
        split(4, 5, 0)


TRIALS = [Trial({}, 10, [10, 12]), Trial({'a': 1}, 14, [16, 11]), Trial({'a': 2}, 14, [9, 13]),
          Trial({'a': 3}, float('nan'), [float('nan'), 0])]


def test_each_fold_gets_what_is_best_without_it():
    assert best(TRIALS) is TRIALS[1] and best_by_fold(TRIALS) == [TRIALS[1], TRIALS[2]]


def test_what_was_guessed_from_a_fold_is_not_chosen_for_it():
    guessed = [*TRIALS[:3], Trial({'a': 4}, 20, [20, 20], 0), Trial({'a': 5}, 30, [30, 30], 1),
               Trial({'a': 6}, 25, [25, 25], WHOLE)]
    assert best(guessed).settings == {'a': 6}
    assert [trial.settings for trial in best_by_fold(guessed)] == [{'a': 4}, {'a': 5}]


def test_guesses_learn_from_scores():
    pytest.importorskip('optuna')
    axes, tried = [Axis('a', low=0, high=1), Axis('b', (None, 5, 'latest'))], []
    for _ in range(40):
        settings = guess_better(axes, tried, (3, ))
        assert settings == guess_better(axes, tried, (3, ))
        assert 0 <= settings['a'] <= 1 and settings['b'] in (None, 5, 'latest')
        tried.append((settings, -abs(settings['a'] - .8) - (settings['b'] != 5)))
    first, later = (np.mean([score for _, score in part]) for part in (tried[:10], tried[-10:]))
    assert later > first / 2  # both below 0: at most half as far from the best
    assert tried[0][0] != guess_better(axes, [], (4, ))


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'optuna', None)
    with pytest.raises(ImportError, match='--sampler tpe needs the package optuna: pip install'):
        check_installed()


def test_what_explains_ap():
    rng = np.random.default_rng(0)
    trials = [Trial({'a': a, 'b': float(b)}, 10. * (a == 'x'), [])
              for a, b in zip('xyz' * 40, rng.random(120))]
    assert explained(trials, 'a') == pytest.approx(1) and explained(trials, 'b') < .1
    assert explained(trials, 'c') == 0


def test_a_log_goes_on_after_a_line_that_was_cut(tmp_path):
    path, about = str(tmp_path / 'sub' / 't.jsonl'), dict(seed=0, space=['a=1,2'])
    log = TrialLog(path, about)
    for trial in TRIALS[:3]:
        log.add(trial)
    whole = open(path).read()
    with open(path, 'w') as file:
        file.write(whole[:-9])
    again = TrialLog(path, about)
    assert again.trials == TRIALS[:2]
    again.add(TRIALS[2])
    assert open(path).read() == whole and json.loads(whole.splitlines()[0]) == about
    with pytest.raises(ValueError, match=r'other options \(seed\)'):
        TrialLog(path, dict(about, seed=1))
    with open(path, 'w') as file:
        file.write('no json')
    with pytest.raises(ValueError, match='other options'):
        TrialLog(path, about)
