"""What the box head finds in an image."""
from dataclasses import dataclass

import torch
from torch import Tensor

NOT_FINITE = -2  # instead of an object id


@dataclass(frozen=True)
class Detections:
    """n detections in one image; all fields lie on one device.

    Attributes:
        boxes: (n, 4) float32 xyxy in original pixels.
        scores: (n,) float32.
        labels: (n,) int64, 0-based.
        finite: 0-d bool on the device, whether all that the network said was.
        ids: (n,) int64 object ids, -1 for none, ``NOT_FINITE`` where the embedding has NaN
            or infinity; None in single images.
        probs: (n, K) probability of every class, background first; stays on the device.
        masks: (n, h, w) bool, stretched over the boxes; only where a cue of tracking reads them.
    """
    boxes: Tensor
    scores: Tensor
    labels: Tensor
    finite: Tensor
    ids: Tensor | None = None
    probs: Tensor | None = None
    masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor) -> 'Detections':
        others = (None if part is None else part[rows]
                  for part in (self.ids, self.probs, self.masks))
        return Detections(self.boxes[rows], self.scores[rows], self.labels[rows], self.finite,
                          *others)

    def are_finite(self) -> bool:
        """Whether scores and embeddings are; ask it of host memory."""
        known = self.ids is None or bool((self.ids != NOT_FINITE).all())
        return known and bool(self.scores.isfinite().all())

    def cpu(self) -> 'Detections':
        """The same in host memory; the device is waited for once, not once per field."""
        if self.labels.is_cpu:
            return self
        whole = [self.labels] if self.ids is None else [self.labels, self.ids]
        table = torch.cat([self.boxes, self.scores[:, None],
                           *(column[:, None].float() for column in whole)], dim=1).cpu()
        labels, *ids = (column.long() for column in table[:, 5:].unbind(1))
        return Detections(table[:, :4], table[:, 4], labels, self.finite, *ids)
