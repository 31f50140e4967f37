"""A table of tracking settings, and of result files, with intervals over seeds."""
import dataclasses
import itertools
import json
import logging
import os
from collections.abc import Sequence
from typing import Any

from mmdet.apis.tune import TuneOptions, file_facts
from mmdet.apis.tune import prepare as prepare_search
from mmdet.apis.tune import snippet
from mmdet.engine.option_sets import BASELINE, OFF, Settings, options_alone, parse_sets
from mmdet.engine.search import Search, TrialLog
from mmdet.engine.search_space import DEFAULT, parse_axis, settings_to_try, tracking_of
from mmdet.engine.study import Choice, Study
from mmdet.evaluation.errors.bootstrap import LEVEL
from mmdet.evaluation.errors.id_scores import OBJECTIVES
from mmdet.evaluation.report import score_file, text_table
from mmdet.evaluation.seeds import Mean, mean_over_seeds
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.config import load_config, require
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import write_bytes
from mmdet.utils.logger import get_root_logger

WEIGHTS = DEFAULT[:4]  # of the cues that tracking had in 2019
AS_IT_IS = 'the config as it is'
TUNED, BEST = 'tuned cue weights', 'best combination'


@dataclasses.dataclass
class StudyOptions:
    """The options of ``tools/analysis/study_tracking.py``, which explains each."""
    config: Sequence[str]
    detections: Sequence[str] = ()
    ann: Sequence[str] = ()
    results: Sequence[str] = ()
    set: Sequence[Sequence[str]] = ()
    trials: int = 40
    folds: int = 2
    seed: int = 0
    objective: str = 'ap'
    keep: str | None = None
    out: str | None = None
    json: str | None = None
    cfg_options: dict | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: of settings or result files.
        values: of each seed, in percent.
        note: what to know about them.
    """
    name: str
    values: list[float]
    note: str = ''

    def difference(self, baseline: 'Row') -> Mean | None:
        """Mean of the differences, seed by seed; None where the seeds are others."""
        if self is baseline or len(self.values) != len(baseline.values):
            return None
        return mean_over_seeds([a - b for a, b in zip(self.values, baseline.values)])


@dataclasses.dataclass(frozen=True)
class Findings:
    """All rows, the baseline first, and what was chosen.

    Attributes:
        rows: of the table.
        choices: name of a row to what was chosen without each fold, and last on all videos.
        config: lines to paste for :data:`BEST` on all videos; empty without detections.
    """
    rows: list[Row]
    choices: dict[str, list[Choice]]
    config: str


def run(options: StudyOptions) -> Findings:
    """Compare, print the table, write it.

    Raises:
        FileNotFoundError, ValueError, TypeError, KeyError, ImportError: one sentence that says
            what to correct.
    """
    logger = get_root_logger()
    results = [_named_files(text) for text in options.results]
    if not options.detections and not results:
        raise BadValue('nothing to compare; give --detections FILE [FILE ...] or --results '
                       'NAME=X.pkl.json,Y.pkl.json')
    searches = [_search(options, seed) for seed in range(len(options.detections))]
    scored = [Row(name, _score_files(options, files), 'result files') for name, files in results]
    findings = Findings(scored, {}, '')
    if searches:
        found = _study(options, searches, logger)
        findings = dataclasses.replace(found, rows=found.rows + scored)
    logger.info('%s', describe(findings, options))
    if options.out:
        write_bytes(markdown(findings, options).encode(), options.out)
    if options.json:
        text = json.dumps(as_dict(findings, options), indent=1)
        write_bytes(f'{text}\n'.encode(), options.json)
    for path in filter(None, (options.out, options.json)):
        logger.info('written: %s', path)
    return findings


def _of_seed(values: Sequence[str], seed: int, count: int, name: str) -> str:
    """One for all seeds, or one each."""
    if len(values) not in (1, count):
        raise BadValue(f'--{name}: {len(values)} files for {count} seeds; give one for all of '
                       'them or one each')
    return values[seed if len(values) > 1 else 0]


def _search(options: StudyOptions, seed: int) -> Search:
    count = len(options.detections)
    cfg_options = dict(options.cfg_options or {})
    if options.ann:
        cfg_options['data.test.ann_file'] = _of_seed(options.ann, seed, count, 'ann')
    return prepare_search(TuneOptions(
        options.detections[seed], _of_seed(options.config, seed, count, 'config'), WEIGHTS,
        trials=options.trials, folds=options.folds, seed=options.seed,
        objective=options.objective, cfg_options=cfg_options))


def _named_files(text: str) -> tuple[str, list[str]]:
    name, _, files = text.partition('=')
    if not name or not files or '' in files.split(','):
        raise BadValue(f'--results {text}: expected NAME=X.pkl.json,Y.pkl.json, a file per seed')
    return name, files.split(',')


def _score_files(options: StudyOptions, files: Sequence[str]) -> list[float]:
    """Of each seed, in percent."""
    name, values = OBJECTIVES[options.objective], []
    for seed, file in enumerate(files):
        if options.ann:
            ann = _of_seed(options.ann, seed, len(files), 'ann')
        else:
            cfg = load_config(_of_seed(options.config, seed, len(files), 'config'),
                              options.cfg_options)
            require(cfg, 'data.test')
            ann = cfg.data.test.ann_file
        report = score_file(file, YTVOS(ann), tracking=options.objective != 'ap')
        values.append(100 * report['all'][name])
    return values


def _study(options: StudyOptions, searches: Sequence[Search], logger: logging.Logger) -> Findings:
    alone = options_alone()
    if any(search.file.version < 2 for search in searches):
        name = next(name for name in alone if 'MotionMaskIoU' in name)
        logger.warning('%s: left out, the detections were saved before masks were kept for '
                       'matching', name)
        del alone[name]
    named = parse_sets(options.set, {BASELINE: OFF, AS_IT_IS: 0, TUNED: 0, BEST: 0, **alone})
    as_it_is: dict[str, Settings] = {}
    if any(tracking_of(search.cfg, {}) for search in searches):
        as_it_is[AS_IT_IS] = {}
    parts = {**alone, **named}
    sets: dict[str, Settings] = {BASELINE: OFF, **as_it_is,
                                 **{name: {**OFF, **part} for name, part in parts.items()}}
    for search, settings in itertools.product(searches, sets.values()):
        search.check(settings)
    study = Study(searches, [_log(options, seed, search) for seed, search in enumerate(searches)],
                  logger)
    axes = [parse_axis(text) for text in WEIGHTS]
    drawn = itertools.islice(settings_to_try(axes, 'random', options.seed, 1), options.trials)
    weights = [OFF, *({**OFF, **settings} for settings in drawn)]
    study.evaluate([*sets.values(), *weights])
    rows = [Row(name, [trial.score for trial in study.trials(settings)])
            for name, settings in sets.items()]
    choices: dict[str, list[Choice]] = {TUNED: [], BEST: []}
    for without in (*range(study.folds), None):
        tuned = study.best(weights, without)
        choices[TUNED].append(Choice([], tuned))
        choices[BEST].append(study.combine(tuned, parts, without))
        logger.info('chosen %s: %s', _videos(without, study.folds),
                    ', '.join(choices[BEST][-1].parts) or 'no option')
    rows += [Row(name, study.held_out([choice.settings for choice in chosen[:-1]]), 'held out')
             for name, chosen in choices.items()]
    rows += [Row(f'{BASELINE}, true ids', study.ceiling(OFF, False), 'ceiling'),
             Row(f'{BASELINE}, true ids and classes', study.ceiling(OFF, True), 'ceiling')]
    return Findings(rows, choices, snippet(searches[0].cfg, choices[BEST][-1].settings))


def _log(options: StudyOptions, seed: int, search: Search) -> TrialLog:
    """The trials of a seed, in ``options.keep``."""
    file = options.detections[seed]
    about: dict[str, Any] = dict(
        detections=os.path.basename(file), bytes=os.path.getsize(file),
        annotations=file_facts(search.cfg.data.test.ann_file),
        tracking=str([search.cfg.model.track_head, search.cfg.test_cfg.get('track')]),
        seed=options.seed, folds=options.folds, objective=options.objective)
    return TrialLog(options.keep and os.path.join(options.keep, f'seed{seed}.jsonl'), about)


def _videos(without: int | None, folds: int) -> str:
    return 'on all videos' if without is None else f'without fold {without + 1} of {folds}'


def _cells(findings: Findings, options: StudyOptions) -> list[list[str]]:
    """The table, its header first."""
    baseline = findings.rows[0]
    cells = [['tracking', 'seeds', OBJECTIVES[options.objective], f'{LEVEL:.0%}', 'difference',
              f'{LEVEL:.0%}', 'seeds better', '']]
    for row in findings.rows:
        mean, change = mean_over_seeds(row.values), row.difference(baseline)
        better = sum(a > b + 1e-6 for a, b in zip(row.values, baseline.values))
        cells.append([row.name, str(len(row.values)), f'{mean.mean:.1f}', _range(mean, ''),
                      f'{change.mean:+.1f}' if change else '', _range(change, '+'),
                      str(better) if change else '', row.note])
    return cells


def _range(mean: Mean | None, sign: str) -> str:
    if mean is None or mean.interval is None:
        return ''
    low, high = mean.interval
    return f'{low:{sign}.1f} to {high:{sign}.1f}'


def describe(findings: Findings, options: StudyOptions) -> str:
    """The findings as text."""
    table = text_table(f'{LEVEL:.0%} intervals over seeds, paired for differences',
                       _cells(findings, options), left=(3, 5, 7))
    return '\n\n'.join(['', table, *([f'{BEST}, chosen on all videos', findings.config]
                                     if findings.config else [])])


def markdown(findings: Findings, options: StudyOptions) -> str:
    """The findings as a section of a page."""
    head, *cells = _cells(findings, options)
    lines = [_line(head), _line(['---'] * len(head)), *map(_line, cells), '',
             f'{LEVEL:.0%} intervals are t intervals over seeds; differences are taken seed by '
             f'seed to "{findings.rows[0].name}".']
    if findings.choices:
        folds = options.folds
        lines += [f'"{TUNED}" ({options.trials} random ones) and "{BEST}" (these, then the rows '
                  'above one by one as long as they help) are held out: the videos are split into '
                  f'{folds} folds, and each is tracked with what is best on the others, by the '
                  'mean over seeds. Ceilings give true ids to all detections that were saved.', '']
        lines += [f'Chosen {_videos(without, folds)}: {", ".join(choice.parts) or "no option"}.'
                  for without, choice in zip((*range(folds), None), findings.choices[BEST])]
        lines += ['', f'"{BEST}" as chosen on all videos:', '', '```python', findings.config, '```']
    return '\n'.join(lines) + '\n'


def _line(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cell.replace("|", "/") for cell in cells)} |'


def as_dict(findings: Findings, options: StudyOptions) -> dict[str, Any]:
    """All numbers, unrounded."""
    rows = []
    for row in findings.rows:
        change = row.difference(findings.rows[0])
        rows.append(dict(name=row.name, note=row.note, values=row.values,
                         **mean_over_seeds(row.values)._asdict(),
                         difference=change._asdict() if change else None))
    return dict(objective=options.objective, level=LEVEL, folds=options.folds,
                trials=options.trials, seed=options.seed, detections=list(options.detections),
                rows=rows, config=findings.config,
                choices={name: [choice._asdict() for choice in chosen]
                         for name, chosen in findings.choices.items()})
