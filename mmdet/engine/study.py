"""Settings of tracking compared over the saved detections of several trainings."""
import json
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmdet.engine.option_sets import Settings, with_part
from mmdet.engine.progress import Progress
from mmdet.engine.search import Search, Trial, TrialLog


class Choice(NamedTuple):
    """What was chosen on some of the videos."""
    parts: list[str]  # names, in the order in which they were taken
    settings: Settings


class Study:
    """Scores settings on every seed, each once, and chooses among them.

    Choices are made for all seeds together, by their mean.

    Args:
        searches: of each seed, with the same number of folds.
        logs: of each seed; what is there is not scored again.
        logger: is told how far it is.
    """

    def __init__(self, searches: Sequence[Search], logs: Sequence[TrialLog],
                 logger: logging.Logger) -> None:
        self._searches, self._logs, self._logger = searches, logs, logger
        self._known = [{_key(trial.settings): trial for trial in log.trials} for log in logs]
        self.folds = int(searches[0].fold.max()) + 1

    def evaluate(self, candidates: Sequence[Settings]) -> None:
        """Score what is not known yet, the seeds one after the other."""
        todo = [(seed, settings) for seed, known in enumerate(self._known)
                for settings in candidates if _key(settings) not in known]
        if not todo:
            return
        progress = Progress(len(todo), self._logger, 'trials')
        for seed, settings in todo:
            trial = self._searches[seed].trial(settings)
            self._logs[seed].add(trial)
            self._known[seed][_key(settings)] = trial
            progress.update()
        progress.finish()

    def trials(self, settings: Settings) -> list[Trial]:
        """Of each seed."""
        self.evaluate([settings])
        return [known[_key(settings)] for known in self._known]

    def value(self, settings: Settings, without: int | None) -> float:
        """Mean score over the seeds, of all videos or of those that are not of one fold."""
        scores = [trial.score if without is None else trial.score_without[without]
                  for trial in self.trials(settings)]
        return sum(score if score == score else 0 for score in scores) / len(scores)

    def best(self, candidates: Sequence[Settings], without: int | None) -> Settings:
        """The first of the best."""
        self.evaluate(candidates)
        return max(candidates, key=lambda settings: self.value(settings, without))

    def combine(self, start: Settings, parts: Mapping[str, Settings], without: int | None
                ) -> Choice:
        """Take one part after the other, always the one that helps most, until none does.

        Args:
            start: what parts are added to.
            parts: by name.
            without: the fold whose videos are not looked at; None: all are.

        Source: forward selection, e.g. Kohavi and John, Artificial Intelligence 97 (1997).
        """
        choice, reached = Choice([], start), self.value(start, without)
        while left := [name for name in parts if name not in choice.parts]:
            added = {name: with_part(choice.settings, parts[name]) for name in left}
            self.evaluate(list(added.values()))
            name = max(left, key=lambda name: self.value(added[name], without))
            value = self.value(added[name], without)
            if value <= reached:
                break
            kept = [part for part in choice.parts if parts[part].items() <= added[name].items()]
            choice, reached = Choice([*kept, name], added[name]), value
        return choice

    def held_out(self, chosen: Sequence[Settings]) -> list[float]:
        """Score of each seed where the videos of each fold have settings of their own."""
        return [float(search.score(search.held_out(chosen))[0]) for search in self._searches]

    def ceiling(self, settings: Settings, classes: bool) -> list[float]:
        """Score of each seed with true ids, and classes, for all detections."""
        return [float(search.score(search.scores.ceiling(search.named(settings), classes))[0])
                for search in self._searches]


def _key(settings: Settings) -> str:
    return json.dumps(settings, sort_keys=True)
