"""A search of tracking settings, and how much of what it gains is real."""
import dataclasses
import itertools
import logging
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from mmengine.config import Config

from mmdet.datasets import build_dataset
from mmdet.engine import checks
from mmdet.engine.environment import check_count, this_device
from mmdet.engine.guided_search import check_installed, guess_better
from mmdet.engine.progress import Progress
from mmdet.engine.replay import check_fits
from mmdet.engine.search import WHOLE, Search, Trial, TrialLog, best, best_by_fold, explained, split
from mmdet.engine.search_space import (DEFAULT, Axis, changes_type, check_used, every_value,
                                       overrides, parse_axis, settings_to_try, with_settings)
from mmdet.evaluation.errors.bootstrap import LEVEL, centred, draw, interval
from mmdet.evaluation.errors.id_scores import OBJECTIVES, IdScores
from mmdet.evaluation.report import text_table
from mmdet.evaluation.scoring import check_annotated
from mmdet.evaluation.tracking_metrics import load_metrics
from mmdet.formats.detections import DetectionFile
from mmdet.utils.config import load_config, require
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger


@dataclasses.dataclass
class TuneOptions:
    """The options of ``tools/analysis/tune_tracking.py``, which explains each."""
    detections: str
    config: str
    space: Sequence[str] = DEFAULT
    trials: int = 200
    sampler: str = 'random'
    steps: int = 4
    seed: int = 0
    folds: int = 2
    objective: str = 'ap'
    samples: int = 1000
    out: str | None = None
    plot: str | None = None
    cfg_options: dict | None = None


@dataclasses.dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        trials: all of them, the config as it is first.
        best: on all videos.
        cfg: the config with its settings.
        scores: in percent, by name: ``config``, ``held_out``, ``difference``, each with its
            interval over samples of the videos (None without samples).
        base: the config as it is.
        share_better: of the samples in which the held-out tracks are better.
    """
    trials: Sequence[Trial]
    best: Trial
    cfg: Config
    base: Config
    scores: dict[str, tuple[float, list[float] | None]]
    share_better: float


def prepare(options: TuneOptions) -> Search:
    """Build everything, and find out now what would fail later.

    Raises:
        FileNotFoundError, ValueError, TypeError, KeyError: one sentence that says what to
            correct.
    """
    cfg = load_config(options.config, options.cfg_options)
    require(cfg, 'model.track_head', 'test_cfg', 'data.test')
    for name in ('trials', 'steps'):
        if getattr(options, name) < 1:
            raise BadValue(f'--{name} {getattr(options, name)}: expected 1 or more')
    check_count(max(options.steps, 1), '--steps')
    check_used(_axes(options))
    if options.sampler == 'tpe':
        check_installed()
    if options.objective != 'ap':
        load_metrics()
    file = DetectionFile(options.detections)
    dataset = build_dataset({**cfg.data.test, 'test_mode': True})
    checks.check_single(dataset)
    if not dataset.is_video:
        raise BadValue(f'{type(dataset).__name__}: has no videos; set data.test to the '
                       'YTVOSDataset that was tested')
    check_annotated(dataset.ytvos)
    check_fits(file, dataset)
    scores = IdScores(dataset.ytvos, file, dataset.cat_ids)
    search = Search(cfg, file, scores, this_device(cfg.get('device')),
                    split(len(scores.videos), options.folds, options.seed), options.objective)
    for settings in every_value(_axes(options)):
        search.check(settings)
    return search


def _axes(options: TuneOptions) -> list[Axis]:
    return [parse_axis(text) for text in options.space]


def run(options: TuneOptions) -> Tuned:
    """Search, say what was found, draw it."""
    logger = get_root_logger()
    options = _with_known_masks(options, logger)
    search = prepare(options)
    trials = _try_all(options, search, logger)
    chosen = best(trials)
    tuned = _judge(options, search, trials, chosen)
    logger.info('%s', describe(tuned, options))
    if options.plot:
        from mmdet.visualization.search_plot import plot_trials
        plot_trials([(trial.settings, trial.score) for trial in trials[1:]], trials[0].score,
                    {axis.key: explained(trials, axis.key) for axis in _axes(options)},
                    options.plot, OBJECTIVES[options.objective])
        logger.info('written: %s', options.plot)
    return tuned


def _with_known_masks(options: TuneOptions, logger: logging.Logger) -> TuneOptions:
    """Without the default axis of ``MotionMaskIoU`` where the detections have no masks for it."""
    if tuple(options.space) != DEFAULT:
        return options
    if find_spec('scipy') is None:
        logger.warning('assigner=hungarian and backward are left out: they need scipy '
                       '(pip install scipy)')
    if DetectionFile(options.detections).version > 1:
        return options
    logger.warning('MotionMaskIoU is left out: %s was saved before masks were kept for matching',
                   options.detections)
    return dataclasses.replace(
        options, space=[text for text in DEFAULT if 'MotionMaskIoU' not in text])


def _try_all(options: TuneOptions, search: Search, logger: logging.Logger) -> list[Trial]:
    about: dict[str, Any] = dict(
        detections=os.path.basename(options.detections),
        bytes=os.path.getsize(options.detections), config=os.path.basename(options.config),
        annotations=file_facts(search.cfg.data.test.ann_file),
        cfg_options={key: str(value) for key, value in (options.cfg_options or {}).items()},
        space=list(options.space), sampler=options.sampler, steps=options.steps,
        seed=options.seed, folds=options.folds, objective=options.objective)
    log = TrialLog(options.out, about)
    if log.trials:
        logger.info('%s: %d trials are there', options.out, len(log.trials))
    else:
        log.add(search.trial({}))
    if options.sampler == 'tpe':
        _guess_all(options, search, log, logger)
        return log.trials
    todo = settings_to_try(_axes(options), options.sampler, options.seed, options.steps)
    left = list(itertools.islice(todo, len(log.trials) - 1, options.trials))
    progress = Progress(len(left), logger, 'trials')
    for settings in left:
        log.add(search.trial(settings))
        progress.update()
    progress.finish()
    return log.trials


def _guess_all(options: TuneOptions, search: Search, log: TrialLog, logger: logging.Logger) -> None:
    """A search for each fold that sees the other videos only, and one that sees all, in turn.

    Were there one search for all, what is held out would have had a say in what is tried.
    """
    turns = [*range(options.folds), WHOLE]
    places = range(len(log.trials) - 1, options.trials * len(turns))
    progress = Progress(len(places), logger, 'trials')
    for place in places:
        fold = turns[place % len(turns)]
        tried = [(trial.settings, trial.target(fold)) for trial in log.trials
                 if trial.guessed_from == fold]
        settings = guess_better(_axes(options), tried, (options.seed, turns.index(fold)))
        log.add(search.trial(settings, fold))
        progress.update()
    progress.finish()


def _judge(options: TuneOptions, search: Search, trials: Sequence[Trial], chosen: Trial) -> Tuned:
    """The config as it is and settings chosen on other videos, on the same samples."""
    both = [search.named({}), search.held_out([trial.settings for trial in best_by_fold(trials)])]
    whole = [float(search.score(named)[0]) for named in both]
    numbers = dict(config=whole[0], held_out=whole[1], difference=whole[1] - whole[0])
    if not options.samples:
        return Tuned(trials, chosen, with_settings(search.cfg, chosen.settings), search.cfg,
                     {name: (value, None) for name, value in numbers.items()}, float('nan'))
    weights = draw(len(search.fold), options.samples, options.seed)
    config, held_out = (search.score(named, weights) for named in both)
    change = held_out - config
    ranges = [interval(config, whole[0]), interval(held_out, whole[1]),
              interval(change, whole[1] - whole[0], low=-100)]
    return Tuned(trials, chosen, with_settings(search.cfg, chosen.settings), search.cfg,
                 {name: (value, ends) for (name, value), ends in zip(numbers.items(), ranges)},
                 float(np.mean(centred(change, whole[1] - whole[0]) > 0)))


def describe(tuned: Tuned, options: TuneOptions) -> str:
    """The findings as text."""
    score = OBJECTIVES[options.objective]
    rows = [[score, '', f'{LEVEL:.0%} of samples of the videos']]
    for name, words in (('config', 'the config as it is'),
                        ('held_out', 'settings chosen on other videos'),
                        ('difference', 'difference')):
        value, ends = tuned.scores[name]
        rows.append([words, f'{value:.1f}', f'{ends[0]:.1f} to {ends[1]:.1f}' if ends else ''])
    rows.append(['settings below, on the videos they were chosen on', f'{tuned.best.score:.1f}',
                 'optimistic'])
    keys = [parse_axis(text).key for text in options.space]
    shares = [['setting', 'best', f'explains of {score}']] + [
        [key, str(tuned.best.settings.get(key, 'as it is')),
         f'{explained(tuned.trials, key):.0%}'] for key in keys]
    parts = [text_table(f'{len(tuned.trials) - 1} trials, {options.folds} folds', rows),
             text_table('what mattered', shares, left=(1,))]
    if tuned.best.settings:
        parts.append(snippet(tuned.base, tuned.best.settings))
    else:
        parts.append('No trial is better than the config as it is.')
    ends = tuned.scores['difference'][1]
    if not tuned.best.settings:
        return '\n\n'.join(['', *parts])
    if ends and ends[0] <= 0:
        parts.append('The difference is within what other videos would change: no reason to leave '
                     'the config.')
    elif ends:
        parts.append(f'Better in {tuned.share_better:.0%} of the samples.')
    return '\n\n'.join(['', *parts])


def file_facts(path: str | os.PathLike) -> list:
    """Name and bytes of a file, which tell another version of it."""
    return [os.path.basename(path), os.path.getsize(path)]


def snippet(base: Config, settings: Mapping[str, Any]) -> str:
    """Lines to paste into a config that has ``base`` as its ``_base_``.

    What takes the place of a part of another type, or of all of ``test_cfg.track``, says
    ``_delete_``: a config is merged into its base.
    """
    tree: dict[str, Any] = {}
    whole = base.to_dict()
    for key, value in overrides(with_settings(base, dict(settings)), list(settings)).items():
        *path, last = key.split('.')
        place, before = tree, whole
        for name in path:
            place = place.setdefault(name, {})
            before = before.get(name) if isinstance(before, dict) else None
        if changes_type(key, value, before):
            place['_delete_'] = True
        if isinstance(value, dict) and isinstance(before, dict) and before.get(last):
            value = dict(value, _delete_=True)
        place[last] = value
    return '\n'.join(f'{name} = {_as_dict(value)}' for name, value in tree.items())


def _as_dict(value: Any) -> str:
    if isinstance(value, dict):
        return f'dict({", ".join(f"{key}={_as_dict(part)}" for key, part in value.items())})'
    return repr(list(value) if isinstance(value, (list, tuple)) else value)
