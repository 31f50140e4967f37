"""What tracking says about one frame."""
from dataclasses import dataclass

import numpy as np


@dataclass
class TrackResult:
    """The n objects of a frame that have an id.

    Attributes:
        boxes: (n, 5) float32 x1, y1, x2, y2 in original pixels, score.
        labels: (n,) int64, 0-based.
        obj_ids: (n,) int64, different, >= 0, the same object in all frames of a video.
        masks: n compressed run-length codes of the original frame size.
    """
    boxes: np.ndarray
    labels: np.ndarray
    obj_ids: np.ndarray
    masks: list[dict]

    def to_classic(self) -> tuple[dict, dict]:
        """The frame's entry in a results file, as the 2019 code wrote it.

        Returns:
            ``{obj_id: {'bbox': (5,) array, 'label': int}}`` and ``{obj_id: mask}``.
        """
        rows = [(int(i), box, int(label), mask) for i, box, label, mask in
                zip(self.obj_ids, self.boxes, self.labels, self.masks)]
        return ({i: dict(bbox=box, label=label) for i, box, label, _ in rows},
                {i: mask for i, _, _, mask in rows})
