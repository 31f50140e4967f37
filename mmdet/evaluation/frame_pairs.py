"""Masks that overlap, frame by frame; tracks that never meet take no room."""
from collections.abc import Sequence

import numpy as np


class FramePairs:
    """P pairs of masks of a video that share pixels.

    Attributes:
        frame: (P,) int64, rising; places in the list of frames that have any mask.
        gt, dt: (P,) int64 ids.
        iou: (P,) float64 above 0.
    """

    def __init__(self, frame: np.ndarray, gt: np.ndarray, dt: np.ndarray, iou: np.ndarray,
                 num_frames: int) -> None:
        self.frame, self.gt, self.dt, self.iou = frame, gt, dt, iou
        self._ends = np.searchsorted(frame, np.arange(num_frames + 1))

    def of_frame(self, place: int) -> slice:
        """The pairs of a frame."""
        return slice(*self._ends[place:place + 2].tolist())

    def sums(self, ids: np.ndarray) -> np.ndarray:
        """(P,) sum of the IoU of all pairs with the same frame and id; ``ids`` (P,)."""
        _, key = np.unique(self.frame * (ids.max(initial=0) + 1) + ids, return_inverse=True)
        return np.bincount(key, self.iou)[key] if len(key) else self.iou

    def table(self, place: int, gt_ids: np.ndarray, dt_ids: np.ndarray,
              values: np.ndarray) -> np.ndarray:
        """(G, D) values of the pairs of a frame, 0 elsewhere; ids rise and hold all of them."""
        own, table = self.of_frame(place), np.zeros((len(gt_ids), len(dt_ids)))
        table[np.searchsorted(gt_ids, self.gt[own]), np.searchsorted(dt_ids, self.dt[own])] = values
        return table


class Similarities(Sequence):
    """(G, D) IoU of each frame, made when asked for: TrackEval's ``similarity_scores``."""

    def __init__(self, pairs: FramePairs, gt_ids: Sequence[np.ndarray],
                 dt_ids: Sequence[np.ndarray]) -> None:
        self.pairs, self.gt_ids, self.dt_ids = pairs, gt_ids, dt_ids

    def __len__(self) -> int:
        return len(self.gt_ids)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        if place >= len(self):
            raise IndexError(place)
        return self.pairs.table(place, self.gt_ids[place], self.dt_ids[place],
                                self.pairs.iou[self.pairs.of_frame(place)])
