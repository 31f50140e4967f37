"""What mending one kind of error, or a single one, would gain."""
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.errors.conventions import Convention
from mmdet.evaluation.errors.precision import (Outcome, average_precision, class_mean,
                                               count_objects, reading_order)
from mmdet.evaluation.errors.tracks import Tracks
from mmdet.evaluation.errors.types import AIMING, ERRORS, KINDS, TP, Errors

SPECIAL = ('FalsePos', 'FalseNeg')
SPECIAL_MEANINGS = {
    'FalsePos': 'all that is false, after all that is right',
    'FalseNeg': 'objects not found, not asked for',
}


class Fixes:
    """The outcomes of a data set with errors of one kind mended.

    Args:
        tracks: of the data set.
        errors: at one threshold.
        convention: how to count.
    """

    def __init__(self, tracks: Tracks, errors: Errors, convention: Convention) -> None:
        self.tracks, self.errors = tracks, errors
        order = reading_order(tracks, convention)
        self.place = np.argsort(order)  # (N,) in that order
        self.rows = order[errors.kind[order] >= 0]  # results that count
        to_find = errors.unmatched.copy()
        to_find[errors.target[errors.kind == TP]] = True
        self.objects = count_objects(tracks, to_find)
        self.winner = self._winners()

    def _winners(self) -> np.ndarray:
        """(N,) bool: the error that becomes right when its object is mended.

        That is the one of the highest score among all that aim at the object.
        """
        kind, target = self.errors.kind, self.errors.target
        aiming = np.flatnonzero(np.isin(kind, AIMING) & self.errors.unmatched[target])
        aiming = aiming[np.argsort(-self.tracks.dt.score[aiming], kind='stable')]
        _, first = np.unique(target[aiming], return_index=True)
        winner = np.zeros(len(kind), bool)
        winner[aiming[first]] = True
        return winner

    def as_is(self) -> Outcome:
        """Nothing mended."""
        return self.mend(np.zeros(len(self.errors.kind), bool))

    def mend(self, which: np.ndarray) -> Outcome:
        """Mend the errors that ``which``, bool (N,), selects.

        An error that wins its object becomes right in the object's class, any other goes.
        """
        kind, target = self.errors.kind, self.errors.target
        mended = which & self.winner
        rows = self.rows[~which[self.rows] | mended[self.rows]]
        right = (kind[rows] == TP) | mended[rows]
        category = np.where(mended[rows], self.tracks.gt.category[target[rows]],
                            self.tracks.dt.category[rows])
        return Outcome(self.tracks.dt.video[rows], category, self.tracks.dt.score[rows], right,
                       self.objects)

    def fix(self, name: str) -> Outcome:
        """Mend every error of a type of ``ERRORS``, or one of ``SPECIAL``."""
        if name in KINDS:
            return self.mend(self.errors.kind == KINDS.index(name))
        now = self.as_is()
        if name == 'FalsePos':
            return now._replace(score=now.right.astype(float))
        gone = self.errors.missed if name == 'Miss' else self.errors.unmatched
        return now._replace(objects=self.objects - count_objects(self.tracks, gone))


def gains(fixes: Fixes, convention: Convention,
          weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Points of AP that every fix gains.

    Args:
        fixes: at one threshold.
        convention: how to count.
        weights: (B, V) samples of videos; None: one, of each video once.

    Returns:
        (B,) by name: those of ``ERRORS`` are not negative, those of ``SPECIAL`` may be.
    """
    now = class_mean(average_precision(fixes.as_is(), convention, weights))
    change = {name: class_mean(average_precision(fixes.fix(name), convention, weights)) - now
              for name in (*ERRORS, *SPECIAL)}
    return {name: np.maximum(values, 0) if name in ERRORS else values
            for name, values in change.items()}


class Costs(NamedTuple):
    """Points of AP, not negative, that mending one thing alone gains."""
    of_result: np.ndarray  # (N,) float64, mended as its type is; 0 for what is right
    of_missed: np.ndarray  # (M,) float64, the object not asked for; 0 unless it is missed


def single_costs(fixes: Fixes, convention: Convention) -> Costs:
    """Mend every error by itself; only the classes it touches are computed again."""
    tracks, errors = fixes.tracks, fixes.errors
    now = average_precision(fixes.as_is(), convention)[0]
    of_result, of_missed = np.zeros(len(errors.kind)), np.zeros(len(errors.missed))
    by_class = [fixes.rows[tracks.dt.category[fixes.rows] == k] for k in range(len(now))]
    for row in np.flatnonzero(errors.kind > TP).tolist():
        touched = {int(tracks.dt.category[row])}
        if fixes.winner[row]:
            touched.add(int(tracks.gt.category[errors.target[row]]))
        values = now.copy()
        for k in touched:
            values[k] = _mended(fixes, by_class[k], row, k, convention)
        of_result[row] = class_mean(values) - class_mean(now)
    for row in np.flatnonzero(errors.missed).tolist():
        k = tracks.gt.category[row]
        values = now.copy()
        values[k] = _of_class(fixes, by_class[k], errors.kind[by_class[k]] == TP,
                              fixes.objects[:, k].sum() - 1, convention)
        of_missed[row] = class_mean(values) - class_mean(now)
    return Costs(np.maximum(of_result, 0), np.maximum(of_missed, 0))


def _mended(fixes: Fixes, rows: np.ndarray, row: int, k: int, convention: Convention) -> float:
    """AP of class ``k``, whose results are ``rows``, once error ``row`` is mended."""
    rows = rows[rows != row]
    right = fixes.errors.kind[rows] == TP
    if fixes.winner[row] and fixes.tracks.gt.category[fixes.errors.target[row]] == k:
        place = np.searchsorted(fixes.place[rows], fixes.place[row])
        rows, right = np.insert(rows, place, row), np.insert(right, place, True)
    return _of_class(fixes, rows, right, fixes.objects[:, k].sum(), convention)


def _of_class(fixes: Fixes, rows: np.ndarray, right: np.ndarray, objects: int,
              convention: Convention) -> float:
    nothing = np.zeros(len(rows), np.int64)
    found = Outcome(nothing, nothing, fixes.tracks.dt.score[rows], right, np.array([[objects]]))
    return average_precision(found, convention)[0, 0]
