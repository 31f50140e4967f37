"""What is remembered of the objects of a video."""
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TrackMemory:
    """M objects; row i is object id i. A value: updating returns another one.

    Attributes:
        boxes: (M, 4) float32, last box of each object, in original pixels.
        labels: (M,) int64, 0-based label.
        embeddings: (M, D) float32, last embedding.
        last_seen: (M,) int64, index of the last frame with the object.
        frame: number of frames seen.
    """
    boxes: Tensor
    labels: Tensor
    embeddings: Tensor
    last_seen: Tensor
    frame: int = 0

    @classmethod
    def empty(cls, embeddings: Tensor) -> 'TrackMemory':
        """The memory before the first frame, on the device of (any, D) ``embeddings``."""
        return cls(
            boxes=embeddings.new_zeros((0, 4), dtype=torch.float32),
            labels=embeddings.new_zeros(0, dtype=torch.long),
            embeddings=embeddings[:0],
            last_seen=embeddings.new_zeros(0, dtype=torch.long))

    def __len__(self) -> int:
        return len(self.labels)

    def alive(self, max_age: int | None) -> Tensor:
        """(M,) bool: seen within the last ``max_age`` frames (None: always)."""
        if max_age is None:
            return torch.ones_like(self.labels, dtype=torch.bool)
        return self.frame - self.last_seen <= max_age

    def update(self, obj_ids: Tensor, boxes: Tensor, labels: Tensor, embeddings: Tensor,
               label_memory: str = 'first', num_objects: int | None = None) -> 'TrackMemory':
        """The memory after a frame.

        Args:
            obj_ids: (N,) int64, -1 for detections without an id; ids from M up
                are new objects and come in rising order.
            boxes: (N, 4 or more) in original pixels.
            labels: (N,) 0-based.
            embeddings: (N, D).
            label_memory: an object keeps its ``'first'`` label or takes the ``'latest'``.
            num_objects: objects known afterwards, where the host knows; else it asks.
        """
        known = len(self)
        if num_objects is None:
            num_objects = max([known, *(obj_ids + 1).tolist()])
        rows = torch.where(obj_ids < 0, num_objects, obj_ids)  # without an id: a row of no one

        def write(old: Tensor, current: Tensor) -> Tensor:
            table = old.new_zeros(num_objects + 1, *old.shape[1:])
            table[:known] = old
            table[rows] = current.to(old.dtype)
            return table[:num_objects]

        new_labels = write(self.labels, labels)
        if label_memory == 'first':
            new_labels = torch.cat([self.labels, new_labels[known:]])
        return TrackMemory(
            boxes=write(self.boxes, boxes[:, :4]), labels=new_labels,
            embeddings=write(self.embeddings, embeddings),
            last_seen=write(self.last_seen, torch.full_like(labels, self.frame)),
            frame=self.frame + 1)
