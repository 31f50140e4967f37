"""What tracking says about one frame."""
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.utils.errors import BadValue

if TYPE_CHECKING:
    import pandas
    import supervision


def check_names(labels: np.ndarray, class_names: Sequence[str]) -> None:
    """ValueError if a label has no name."""
    if len(labels) and int(labels.max()) >= len(class_names):
        raise BadValue(f'label {labels.max()}, but there are {len(class_names)} class names; give '
                       'those of the detector (detector.CLASSES)')


@dataclass(frozen=True)
class TrackResult:
    """The n objects of a frame that have an id.

    Attributes:
        boxes: (n, 4) float32 x1, y1, x2, y2 in original pixels, inclusive.
        scores: (n,) float32.
        labels: (n,) int64, 0-based.
        obj_ids: (n,) int64, different, >= 0, the same object in all frames of a video.
        masks: n compressed run-length codes of the original frame size; empty where a
            detector finds boxes only.
    """
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    obj_ids: np.ndarray
    masks: Sequence[dict] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.obj_ids)

    def __repr__(self) -> str:
        ids = ', '.join(map(str, self.obj_ids[:8].tolist())) + (', ...' if len(self) > 8 else '')
        return f'TrackResult({len(self)} objects, ids [{ids}])'

    def from_score(self, threshold: float) -> 'TrackResult':
        """The objects that score at least so much."""
        rows = np.flatnonzero(self.scores >= threshold)
        masks = [self.masks[row] for row in rows.tolist()] if len(self.masks) else []
        return TrackResult(self.boxes[rows], self.scores[rows], self.labels[rows],
                           self.obj_ids[rows], masks)

    def decode_masks(self) -> np.ndarray:
        """The masks as pixels: (n, h, w) uint8 of 0 and 1; (0, 0, 0) where there are none."""
        if not len(self.masks):
            return np.zeros((0, 0, 0), np.uint8)
        return np.stack([mask_utils.decode(rle) for rle in self.masks])

    def to_classic(self) -> tuple[dict, dict]:
        """The frame's entry in an ``X.pkl``, as the 2019 code wrote it.

        Returns:
            ``{obj_id: {'bbox': (5,) array with the score, 'label': int}}`` and
            ``{obj_id: mask}``.
        """
        rows = np.concatenate([self.boxes, self.scores[:, None]], axis=1)
        ids = self.obj_ids.tolist()
        det = {i: dict(bbox=row, label=label)
               for i, row, label in zip(ids, rows, self.labels.tolist())}
        return det, dict(zip(ids, self.masks))

    def to_pandas(self, class_names: Sequence[str] | None = None, video: int | str = 0,
                  frame: int = 0) -> 'pandas.DataFrame':
        """A row per object, see :func:`mmdet.formats.interop.tables.video_table`.

        Args:
            class_names: by label.
            video, frame: what stands in the columns of these names.

        Raises:
            ImportError: pandas is not installed.
        """
        from mmdet.formats.interop.tables import video_table
        return video_table([self], class_names, video, frame)

    def to_supervision(self, class_names: Sequence[str] | None = None) -> 'supervision.Detections':
        """For supervision, see :func:`mmdet.formats.interop.detections.to_detections`.

        Raises:
            ImportError: supervision is not installed.
        """
        from mmdet.formats.interop.detections import to_detections
        return to_detections(self, class_names)

    @classmethod
    def from_classic(cls, det: dict, seg: dict) -> 'TrackResult':
        """What :meth:`to_classic` made into a result again.

        Raises:
            KeyError: an object has a box but no mask, where others have one; its id.
        """
        rows = np.array([found['bbox'] for found in det.values()], np.float32).reshape(-1, 5)
        return cls(rows[:, :4], rows[:, 4],
                   np.array([int(found['label']) for found in det.values()], np.int64),
                   np.array([int(i) for i in det], np.int64),
                   [seg[i] for i in det] if seg else [])

    @classmethod
    def from_detections(cls, boxes: Sequence[np.ndarray],
                        masks: Sequence[Sequence[dict]] | None = None) -> 'TrackResult':
        """Detections by class of a single image, numbered as they come.

        Args:
            boxes: one (n_c, 5) array per class, x1, y1, x2, y2, score.
            masks: one list of n_c run-length codes per class, if there are masks.
        """
        rows = np.concatenate([np.zeros((0, 5), np.float32), *boxes])
        labels = np.repeat(np.arange(len(boxes)), [len(found) for found in boxes])
        return cls(rows[:, :4], rows[:, 4], labels, np.arange(len(rows)),
                   [rle for found in masks or () for rle in found])
