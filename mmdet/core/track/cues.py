"""Cues beside embedding, score, IoU and label: each adds ``weight`` times an (N, M) to the score.

A cue is called with the N detections (``boxes`` in original pixels, ``scores``, ``labels``) and
the :class:`TrackMemory` of M objects, and has a ``weight``; "new object" gets 0.
"""
from torch import Tensor

from mmdet.core.bbox import Detections, bbox_overlaps
from mmdet.core.track.memory import TrackMemory
from mmdet.core.track.registry import CUES
from mmdet.utils.errors import BadValue


@CUES.register_module
class MotionIoU:
    """IoU with the last box of an object, moved on as fast as its centre moved before.

    Args:
        weight: of the IoU in the match score.
        horizon: frames after which a box is moved no further.

    Source: the constant velocity of SORT, arXiv:1602.00763, without its filter.
    """

    def __init__(self, weight: float = 1.0, horizon: int = 5) -> None:
        if horizon < 0:
            raise BadValue(f'MotionIoU: horizon {horizon}: expected 0 or more frames')
        self.weight, self.horizon = weight, horizon

    def __call__(self, dets: Detections, memory: TrackMemory) -> Tensor:
        """(N, M) in [0, 1]."""
        ahead = (memory.frame - memory.last_seen).clamp(max=self.horizon)
        shift = (memory.velocities * ahead[:, None]).repeat(1, 2)
        return bbox_overlaps(dets.boxes, memory.boxes + shift)
