"""From match scores to objects: who gets whom, who starts a new one, who waits for a second round.

A row is what :func:`assign_ids` gives: below M a remembered object, from M up a new one, -1 none.
"""
import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.core.track.matching import assign_ids
from mmdet.core.track.registry import ID_ASSIGNERS
from mmdet.utils.errors import MissingPackage

WORST = -1e9  # of a score that is no number; such a frame is refused later


@ID_ASSIGNERS.register_module
def greedy(scores: Tensor) -> Tensor:
    """Each detection takes its best column, see :func:`assign_ids`; the host does not wait."""
    return assign_ids(scores)


@ID_ASSIGNERS.register_module
def hungarian(scores: Tensor) -> Tensor:
    """The assignment with the largest sum of scores; "new object" is a dummy for each detection.

    A detection that loses its object takes the next best, or becomes a new object. The host
    waits for the scores.

    Args:
        scores: (N, M + 1), column 0 is "new object".

    Returns:
        (N,) int64 rows, none of them -1.

    Raises:
        ImportError: scipy is not installed.

    Source: Kuhn 1955 by scipy's ``linear_sum_assignment``; dummies as in arXiv:1703.07402.
    """
    needs_scipy('test_cfg.track.assigner="hungarian"')
    from scipy.optimize import linear_sum_assignment

    known = scores.shape[1] - 1
    table = torch.nan_to_num(scores.double(), nan=WORST, posinf=-WORST, neginf=WORST)
    table = torch.cat([table[:, 1:], table[:, :1].expand(-1, len(table))], dim=1)
    _, columns = linear_sum_assignment(table.cpu().numpy(), maximize=True)
    rows = torch.tensor(columns, dtype=torch.long, device=scores.device)
    return number_new(rows, rows >= known, known)


def needs_scipy(what: str) -> None:
    """Raises an ImportError for ``what`` if scipy is not installed."""
    if importlib.util.find_spec('scipy') is None:
        raise MissingPackage(f'{what} needs the package scipy: pip install scipy')


def number_new(rows: Tensor, starts: Tensor, known: int) -> Tensor:
    """New objects counted from ``known`` up.

    Args:
        rows: (N,) int64.
        starts: (N,) bool, which of those from ``known`` up begin an object; the others get -1.
        known: M.
    """
    starts = starts & (rows >= known)
    return torch.where(rows < known, rows,
                       torch.where(starts, known - 1 + starts.cumsum(0), -1))


class SecondRound(NamedTuple):
    """Detections below ``score_thr`` only continue what the others have left.

    An object is continued by the box that overlaps its last one by ``iou_thr`` or more and has
    its label. None of them begins an object. Off with ``score_thr`` 0.

    Source: ByteTrack, arXiv:2110.06864, algorithm 1.
    """
    score_thr: float = 0.0
    iou_thr: float = 0.5


def assign_in_rounds(scores: Tensor, confidence: Tensor, overlap: Tensor,
                     assigner: Callable[[Tensor], Tensor], start_thr: float,
                     second: SecondRound) -> Tensor:
    """Rows of N detections, with a second round and a threshold to start; no wait of its own.

    Args:
        scores: (N, M + 1) match scores.
        confidence: (N,) detection scores.
        overlap: (N, M) IoU with the objects that may be continued in a second round, else 0.
        assigner: one of ``ID_ASSIGNERS``.
        start_thr: least confidence of the first detection of an object.
        second: of low scores.

    Source: of the threshold, QDTrack, arXiv:2006.06664, and ByteTrack, arXiv:2110.06864.
    """
    known = scores.shape[1] - 1
    if not second.score_thr:
        rows = assigner(scores)
        return number_new(rows, confidence >= start_thr, known)
    first = confidence >= second.score_thr
    nobody = F.pad(torch.full_like(scores[:, 1:], float('-inf')), (1, 0))
    rows = assigner(torch.where(first[:, None], scores, nobody))
    rows = torch.where(first, rows, -1)
    taken = (rows[:, None] == torch.arange(known, device=rows.device)).any(dim=0)
    fits = ~first[:, None] & ~taken & (overlap >= second.iou_thr) & (overlap > 0)
    left = assigner(F.pad(overlap.masked_fill(~fits, float('-inf')), (1, 0)))
    rows = torch.where(~first & (left < known), left, rows)
    return number_new(rows, confidence >= start_thr, known)
