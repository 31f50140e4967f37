"""What the box head finds in an image."""
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Detections:
    """n detections in one image; all fields lie on one device.

    Attributes:
        boxes: (n, 4) float32 xyxy in original pixels.
        scores: (n,) float32.
        labels: (n,) int64, 0-based.
        ids: (n,) int64 object ids, -1 for none; None in single images.
        probs: (n, K) probability of every class, background first; stays on the device.
    """
    boxes: Tensor
    scores: Tensor
    labels: Tensor
    ids: Tensor | None = None
    probs: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor) -> 'Detections':
        ids, probs = (None if part is None else part[rows] for part in (self.ids, self.probs))
        return Detections(self.boxes[rows], self.scores[rows], self.labels[rows], ids, probs)

    def cpu(self) -> 'Detections':
        """The same in host memory; the device is waited for once, not once per field."""
        if self.labels.is_cpu:
            return self
        whole = [self.labels] if self.ids is None else [self.labels, self.ids]
        table = torch.cat([self.boxes, self.scores[:, None],
                           *(column[:, None].float() for column in whole)], dim=1).cpu()
        return Detections(table[:, :4], table[:, 4],
                          *(column.long() for column in table[:, 5:].unbind(1)))
