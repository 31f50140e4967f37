"""A frame as ``Detections`` of the package supervision."""
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmdet.formats.interop.packages import optional
from mmdet.formats.interop.tables import names_of
from mmdet.formats.track_result import TrackResult

if TYPE_CHECKING:
    import supervision


def to_detections(result: TrackResult, class_names: Sequence[str] | None = None
                  ) -> 'supervision.Detections':
    """What was found in a frame, for the annotators, zones and files of supervision.

    Args:
        result: of the frame.
        class_names: by label; they are then in ``data['class_name']``.

    Returns:
        ``xyxy`` (n, 4) float32, ``mask`` (n, h, w) bool or None, ``confidence`` (n,) float32,
        ``class_id`` and ``tracker_id`` (n,) int.

    Raises:
        ImportError: supervision is not installed.
    """
    supervision = optional('supervision', 'TrackResult.to_supervision()')
    data = {}
    if class_names is not None:
        data['class_name'] = np.array(names_of(result.labels, class_names), dtype=str)
    return supervision.Detections(
        xyxy=np.array(result.boxes, np.float32).reshape(-1, 4),
        mask=result.decode_masks().astype(bool) if len(result.masks) else None,
        confidence=np.array(result.scores, np.float32), class_id=np.array(result.labels, int),
        tracker_id=np.array(result.obj_ids, int), data=data)
