"""Search of tracking settings over saved detections: trials, a file of them, the best ones."""
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config

from mmdet.core.track import VideoTracks
from mmdet.engine.after_video import run_steps, steps_of, video_tracks
from mmdet.engine.replay import (backward_ids, build_tracker, check_masks, merge_ids, on_device,
                                 replay_ids, set_tracking)
from mmdet.engine.search_space import tracking_of, with_settings
from mmdet.evaluation.errors.id_scores import IdScores, Named, without_gaps
from mmdet.formats.detections import DetectionFile
from mmdet.formats.results import check_track_score
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import told, write_bytes

AFTERWARDS = ('after_video', 'backward', 'track_score')  # of test_cfg.track: for whole videos
WHOLE = -1  # in place of a fold: nothing is held out
KEPT = 32  # replays that are remembered: settings that differ in AFTERWARDS share one


class Trial(NamedTuple):
    """Settings and what they score, in percent."""
    settings: dict[str, Any]
    score: float  # of all videos
    score_without: list[float]  # of all but those of each fold
    # which scores they were guessed from: score_without of this fold; WHOLE: score; None: no scores
    guessed_from: int | None = None

    def target(self, fold: int) -> float:
        """The score on all videos but those of a fold; on all for ``WHOLE``; -1 for nan."""
        score = self.score if fold == WHOLE else self.score_without[fold]
        return score if score == score else -1


def split(count: int, folds: int, seed: int) -> np.ndarray:
    """(V,) int64 fold of each of ``count`` videos, as even as can be.

    Raises:
        ValueError: there are fewer videos than folds, or one fold.
    """
    if not 2 <= folds <= count:
        raise BadValue(f'--folds {folds}: expected 2 to {count}, the number of videos')
    return np.random.default_rng(seed).permutation(np.arange(count) % folds)


class Search:
    """Scores settings of a config over saved detections.

    Args:
        cfg: the config that is varied.
        file: the detections, all of them in memory from now on.
        scores: of their ids.
        device: where matches are scored.
        fold: (V,) of each video, see :func:`split`.
        objective: one of :data:`.id_scores.OBJECTIVES`.
    """

    def __init__(self, cfg: Config, file: DetectionFile, scores: IdScores,
                 device: torch.device, fold: np.ndarray, objective: str = 'ap') -> None:
        self.cfg, self.scores, self.fold, self.objective = cfg, scores, fold, objective
        self.tracker = build_tracker(cfg)
        self._ids: dict[tuple[str, int, bool], list[np.ndarray]] = {}  # last used last
        self.file = file
        self._saved = [file.read(video).frames for video in scores.videos]
        self._frames = [on_device(frames, device) for frames in self._saved]

    def check(self, settings: dict[str, Any]) -> None:
        """Whether settings are what the config and the tracker know.

        Raises:
            TypeError, ValueError, KeyError, ImportError: they are not; names the first.
        """
        cfg = with_settings(self.cfg, settings)
        if not all(key.startswith(('test_cfg.track', 'model.track_head.')) for key in settings):
            build_tracker(cfg)
        set_tracking(self.tracker, cfg)
        check_masks(self.file, self.tracker)
        check_track_score(self.track_score(settings))

    def track_score(self, settings: dict[str, Any]) -> str:
        """How frames make the score of a track."""
        return tracking_of(self.cfg, settings).get('track_score', 'mean')

    def follow(self, settings: dict[str, Any], which: Sequence[int] | None = None
               ) -> list[VideoTracks]:
        """All detections with ids, per video; of videos ``which`` only, if given."""
        cfg = with_settings(self.cfg, settings)
        set_tracking(self.tracker, cfg)
        tracking = {key: value for key, value in (cfg.test_cfg.get('track') or {}).items()
                    if key not in AFTERWARDS}
        key = str([cfg.model.track_head, tracking])
        places = range(len(self._frames)) if which is None else which
        return [run_steps(steps_of(self.tracker), video_tracks(
            self._saved[place], self._ids_of(key, place))) for place in places]

    def _ids_of(self, key: str, place: int) -> list[np.ndarray]:
        """The ids of a video before any step, by what decides on them."""
        ids, option = self._replayed(key, place, False), self.tracker.tracking.backward
        return merge_ids(ids, self._replayed(key, place, True), option) if option else ids

    def _replayed(self, key: str, place: int, reverse: bool) -> list[np.ndarray]:
        ids = self._ids.pop((key, place, reverse), None)
        if ids is None:
            follow = backward_ids if reverse else replay_ids
            ids = list(follow(self.tracker, self._frames[place]))
            if len(self._ids) >= KEPT * len(self._frames):
                self._ids.pop(next(iter(self._ids)))
        self._ids[key, place, reverse] = ids
        return ids

    def named(self, settings: dict[str, Any]) -> Named:
        """The ids that a setting gives."""
        name = self.track_score(settings)
        return _named(self.follow(settings), [name] * len(self._frames))

    def score(self, named: Named, weights: np.ndarray | None = None) -> np.ndarray:
        """(B,) percent, see :meth:`IdScores.score`."""
        return self.scores.score(self.objective, named, weights)

    def trial(self, settings: dict[str, Any], guessed_from: int | None = None) -> Trial:
        """Score a setting on all videos, and on all but those of each fold."""
        folds = np.arange(self.fold.max() + 1)
        weights = np.concatenate([np.ones((1, len(self.fold)), np.int64),
                                  (self.fold != folds[:, None]).astype(np.int64)])
        whole, *parts = self.score(self.named(settings), weights).tolist()
        return Trial(settings, whole, parts, guessed_from)

    def held_out(self, chosen: Sequence[dict[str, Any]]) -> Named:
        """The ids where the videos of each fold are tracked with settings of their own."""
        found: list[Any] = [None] * len(self._frames)
        names = [''] * len(self._frames)
        for fold, settings in enumerate(chosen):
            which = np.flatnonzero(self.fold == fold).tolist()
            for place, followed in zip(which, self.follow(settings, which)):
                found[place], names[place] = followed, self.track_score(settings)
        return _named(found, names)


def _named(followed: Sequence[VideoTracks], names: Sequence[str]) -> Named:
    return Named([without_gaps(tracks.ids) for tracks in followed],
                 [tracks.labels for tracks in followed], names)


def best(trials: Sequence[Trial], fold: int = WHOLE) -> Trial:
    """The best on the videos that are not of a fold, chosen without a look at those that are.

    Trials that were guessed from other videos' scores have no say. The first of equals is taken,
    so the config as it is where nothing helps.
    """
    return max((trial for trial in trials if trial.guessed_from in (None, fold)),
               key=lambda trial: trial.target(fold))


def best_by_fold(trials: Sequence[Trial]) -> list[Trial]:
    """For each fold the trial that is best on the videos of the others."""
    return [best(trials, fold) for fold in range(len(trials[0].score_without))]


class TrialLog:
    """Trials as json lines behind one with the options; a search that was stopped goes on there.

    Args:
        path: of the file; None: kept in memory only.
        about: the options that all trials have in common.

    Raises:
        ValueError: the file is of other options, or no such file.
    """

    def __init__(self, path: str | None, about: dict[str, Any]) -> None:
        self.path, self.trials = path, list[Trial]()
        if path is None:
            return
        about = json.loads(json.dumps(about))
        if os.path.exists(path):
            self._read(path, about)
            self._rewrite(about)  # a line that was cut off goes
        else:
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
            self._rewrite(about)

    def _read(self, path: str, about: dict[str, Any]) -> None:
        with open(path, encoding='utf-8', errors='replace') as file:
            text = file.readlines()
        lines = list(_json_lines(text))
        if len(lines) < len(text) - 1:
            raise BadValue(f'{path}: line {len(lines) + 1} is damaged; mend it, or move the '
                           'file away')
        if not lines or lines[0] != about:
            changed = ''
            if lines and isinstance(lines[0], dict):
                changed = f' ({", ".join(k for k in about if lines[0].get(k) != about[k])})'
            raise BadValue(f'{path}: holds a search with other options{changed}; move it '
                           'away, or give the options of that one to go on with it')
        try:
            self.trials = [Trial(**line) for line in lines[1:]]
        except TypeError:
            raise BadValue(f'{path}: is damaged; move it away') from None

    def _rewrite(self, about: dict[str, Any]) -> None:
        assert self.path is not None
        lines = [about, *(trial._asdict() for trial in self.trials)]
        write_bytes(''.join(json.dumps(line) + '\n' for line in lines).encode(), self.path)

    def add(self, trial: Trial) -> None:
        """Keep a trial, on the disk at once."""
        self.trials.append(trial)
        if self.path is not None:
            with told(self.path), open(self.path, 'a', encoding='utf-8') as file:
                file.write(json.dumps(trial._asdict()) + '\n')


def _json_lines(lines: Sequence[str]) -> Iterator[Any]:
    """What can be parsed, up to a line that was cut off."""
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def explained(trials: Sequence[Trial], key: str, bins: int = 5) -> float:
    """Share of the variance of scores over trials that one setting alone explains, 0 to 1."""
    rows = [(trial.settings[key], trial.score) for trial in trials
            if key in trial.settings and trial.score == trial.score]
    scores = np.array([score for _, score in rows])
    if len(rows) < 3 or scores.var() == 0:
        return 0.0
    groups = group_of([value for value, _ in rows], bins)
    means = np.array([scores[groups == group].mean() for group in groups])
    return float(means.var() / scores.var())


def group_of(values: Sequence[Any], bins: int) -> np.ndarray:
    """(n,) int64: equal values, or where there are many numbers as many of them in each group."""
    different = list(dict.fromkeys(values))
    if len(different) <= bins or not all(isinstance(value, (int, float)) for value in different):
        return np.array([different.index(value) for value in values])
    edges = np.quantile(np.array(values, float), np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, values)
