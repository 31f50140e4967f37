"""Match the detections of a frame with the objects seen before."""
from typing import NamedTuple

import torch
from torch import Tensor


class MatchCoeff(NamedTuple):
    """Weights of the cues: detection confidence, box IoU, same label."""
    score: float
    iou: float
    label: float


def match_scores(log_p: Tensor, scores: Tensor, ious: Tensor, same_label: Tensor,
                 coeff: MatchCoeff | None) -> Tensor:
    """Score every detection against every remembered object; higher is better.

    Args:
        log_p: (N, M + 1) log-probabilities, column 0 is "new object".
        scores: (N,) detection confidence in (0, 1].
        ious: (N, M + 1) in [0, 1], column 0 is 0.
        same_label: (N, M + 1) of 0 and 1, column 0 is 1.
        coeff: weights; None: the embeddings alone decide.

    Returns:
        (N, M + 1) float.

    Source: arXiv:1905.04804, section 4.3, the score that combines all cues.
    """
    if coeff is None:
        return log_p
    return (log_p + coeff.score * scores[:, None].log() + coeff.iou * ious
            + coeff.label * same_label)


def assign_ids(scores: Tensor) -> Tensor:
    """Turn match scores into object ids, as if greedily in the order of the detections.

    A detection takes its best column. New objects get the next free ids. Where
    several detections claim one object, the highest score wins (the first of
    equals) and the others get no id. No detection waits for another, so nothing
    has to come to the host.

    Args:
        scores: (N, M + 1), column 0 is "new object".

    Returns:
        (N,) int64: object id, M and above for new objects, -1 for none.
    """
    best, column = scores.max(dim=1)
    is_new = column == 0
    new_ids = scores.shape[1] - 2 + is_new.cumsum(0)
    order = torch.arange(len(best), device=best.device)
    beats_me = (best > best[:, None]) | ((best == best[:, None]) & (order < order[:, None]))
    lost = (beats_me & (column == column[:, None])).any(dim=1)
    return torch.where(is_new, new_ids, torch.where(lost, -1, column - 1))
