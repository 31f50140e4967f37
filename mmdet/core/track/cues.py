"""Cues beside embedding, score, IoU and label: each adds ``weight`` times an (N, M) to the score.

A cue is called with the N detections (``boxes`` in original pixels, ``scores``, ``labels``) and
the :class:`TrackMemory` of M objects, and has a ``weight``; "new object" gets 0. What it needs
beside the fields that always are there it names in ``reads``: ``'velocities'``, ``'masks'``.
"""
from torch import Tensor

from mmdet.core.bbox import Detections, bbox_overlaps
from mmdet.core.mask import mask_overlaps
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
    reads: tuple[str, ...] = ('velocities', )

    def __init__(self, weight: float = 1.0, horizon: int = 5) -> None:
        if horizon < 0:
            raise BadValue(f'{type(self).__name__}: horizon {horizon}: expected 0 or more frames')
        self.weight, self.horizon = weight, horizon

    def __call__(self, dets: Detections, memory: TrackMemory) -> Tensor:
        """(N, M) in [0, 1]."""
        return bbox_overlaps(dets.boxes, self.moved(memory))

    def moved(self, memory: TrackMemory) -> Tensor:
        """(M, 4) where the boxes are by now."""
        assert memory.velocities is not None
        ahead = (memory.frame - memory.last_seen).clamp(max=self.horizon)
        return memory.boxes + (memory.velocities * ahead[:, None]).repeat(1, 2)


@CUES.register_module
class MotionMaskIoU(MotionIoU):
    """IoU of masks: the last one of an object moves on with its box as in :class:`MotionIoU`.

    Masks are those of the mask head, stretched over their boxes, before they are pasted into the
    frame, see :func:`mask_overlaps`. The host waits once more a frame.

    Args:
        weight: of the IoU in the match score.
        horizon: frames after which a mask is moved no further.

    Source: MaskProp, arXiv:1912.04573, and STEm-Seg, arXiv:2003.08429, match by the IoU of
    masks; the constant velocity of SORT, arXiv:1602.00763, instead of a network that moves them.
    """
    reads = ('velocities', 'masks')

    def __call__(self, dets: Detections, memory: TrackMemory) -> Tensor:
        """(N, M) in [0, 1]."""
        assert dets.masks is not None and memory.masks is not None
        return mask_overlaps(dets.boxes, dets.masks, self.moved(memory), memory.masks)
