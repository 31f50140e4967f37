"""What is remembered of the objects of a video."""
from collections.abc import Collection
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmdet.core.track.embedding_memory import EmbeddingMemory, State

# What there is a row of for each object.
ROWS = ('boxes', 'labels', 'embeddings', 'velocities', 'last_seen', 'ids', 'masks')


@dataclass(frozen=True)
class TrackMemory:
    """M objects, by rising id; row i is object id i as long as none was forgotten.

    A value: updating returns another one.

    Attributes:
        boxes: (M, 4) float32, last box of each object, in original pixels.
        labels: (M,) int64, 0-based label.
        embeddings: (M, D) float32, last embedding, or what an embedding memory made of all.
        last_seen: (M,) int64, index of the last frame with the object.
        ids: (M,) int64, their ids.
        total: objects ever seen; the id of the next.
        frame: number of frames seen.
        state: (M, ...) each, of the embedding memory.
        velocities: (M, 2) float32, pixels per frame that the centre moved between the last two
            frames with the object; None unless a cue reads them.
        masks: (M, h, w) bool, last mask of each object, stretched over its box; None unless a
            cue reads them.
    """
    boxes: Tensor
    labels: Tensor
    embeddings: Tensor
    last_seen: Tensor
    ids: Tensor
    total: int = 0
    frame: int = 0
    state: State = ()
    velocities: Tensor | None = None
    masks: Tensor | None = None

    @classmethod
    def empty(cls, embeddings: Tensor, state: State = (), reads: Collection[str] = ()
              ) -> 'TrackMemory':
        """The memory before the first frame, on the device of (any, D) ``embeddings``.

        Args:
            embeddings: of any frame.
            state: of the embedding memory.
            reads: what cues read beside the rest: ``'velocities'``, ``'masks'``.
        """
        return cls(
            boxes=embeddings.new_zeros((0, 4), dtype=torch.float32),
            labels=embeddings.new_zeros(0, dtype=torch.long),
            embeddings=embeddings[:0],
            last_seen=embeddings.new_zeros(0, dtype=torch.long),
            ids=embeddings.new_zeros(0, dtype=torch.long), state=state,
            velocities=(embeddings.new_zeros((0, 2), dtype=torch.float32)
                        if 'velocities' in reads else None),
            masks=(embeddings.new_zeros((0, 1, 1), dtype=torch.bool)
                   if 'masks' in reads else None))

    def __len__(self) -> int:
        return len(self.labels)

    def alive(self, max_age: int | None) -> Tensor:
        """(M,) bool: seen within the last ``max_age`` frames (None: always)."""
        if max_age is None:
            return torch.ones_like(self.labels, dtype=torch.bool)
        return self.frame - self.last_seen <= max_age

    def forget(self, max_age: int) -> 'TrackMemory':
        """Without the rows that ``alive`` rules out for good; the host waits."""
        kept = self.alive(max_age).nonzero().squeeze(1)
        if len(kept) == len(self):
            return self
        return replace(self, state=tuple(part[kept] for part in self.state), **{
            name: getattr(self, name)[kept] for name in ROWS if getattr(self, name) is not None})

    def ids_of(self, rows: Tensor) -> Tensor:
        """Object ids of (N,) rows; rows from M up are the next new objects, -1 stays."""
        new = torch.arange(self.total, self.total + len(rows), device=rows.device)
        return torch.where(rows < 0, -1, torch.cat([self.ids, new])[rows])

    def update(self, obj_ids: Tensor, boxes: Tensor, labels: Tensor, embeddings: Tensor,
               label_memory: str = 'first', num_objects: int | None = None,
               scores: Tensor | None = None, blend: EmbeddingMemory | None = None,
               masks: Tensor | None = None) -> 'TrackMemory':
        """The memory after a frame.

        Args:
            obj_ids: (N,) int64, -1 for detections without an id; ids from ``total``
                up are new objects and come in rising order.
            boxes: (N, 4 or more) in original pixels.
            labels: (N,) 0-based.
            embeddings: (N, D).
            label_memory: an object keeps its ``'first'`` label or takes the ``'latest'``.
            num_objects: ``total`` afterwards, where the host knows; else it asks.
            scores: (N,) of the detections, if there is a ``blend``.
            blend: makes an embedding of all so far; None: the last one is kept.
            masks: (N, h, w) bool of the detections, if a cue reads them.
        """
        known = len(self)
        if num_objects is None:
            num_objects = max([self.total, *(obj_ids + 1).tolist()])
        fresh = torch.arange(self.total, num_objects, device=obj_ids.device)
        ids = torch.cat([self.ids, fresh])
        rows = torch.searchsorted(ids, obj_ids)
        rows = torch.where(obj_ids < 0, len(ids), rows)  # without an id: a row of no one

        def write(old: Tensor, current: Tensor) -> Tensor:
            table = old.new_empty(len(ids) + 1, *(old if known else current).shape[1:])
            table[:known] = old
            table[known:] = 0
            table[rows] = current.to(old.dtype)
            return table[:-1]

        new_labels = write(self.labels, labels)
        if label_memory == 'first':
            new_labels = torch.cat([self.labels, new_labels[known:]])
        last_seen = write(self.last_seen, torch.full_like(labels, self.frame))
        memory = replace(
            self, boxes=write(self.boxes, boxes[:, :4]), labels=new_labels,
            embeddings=write(self.embeddings, embeddings), last_seen=last_seen, ids=ids,
            total=num_objects, frame=self.frame + 1)
        if self.masks is not None:
            assert masks is not None
            memory = replace(memory, masks=write(self.masks, masks))
        if self.velocities is None and blend is None:
            return memory
        gap = _with_rows(last_seen[:known] - self.last_seen, len(fresh))  # 0: new, or not seen
        if self.velocities is not None:
            memory = replace(memory, velocities=self._new_velocities(memory, gap))
        if blend is None:
            return memory
        assert scores is not None
        return self._blended(memory, write(torch.ones_like(self.boxes[:, 0]), scores), gap, blend)

    def _new_velocities(self, after: 'TrackMemory', gap: Tensor) -> Tensor:
        """(R, 2) of the R objects of ``after``; ``gap`` (R,) frames since the last one before."""
        assert self.velocities is not None
        fresh = len(after) - len(self)
        moved = _centres(after.boxes) - _with_rows(_centres(self.boxes), fresh)
        return torch.where((gap > 0)[:, None], moved / gap.clamp(min=1)[:, None],
                           _with_rows(self.velocities, fresh))

    def _blended(self, after: 'TrackMemory', scores: Tensor, gap: Tensor,
                 blend: EmbeddingMemory) -> 'TrackMemory':
        """``after`` with embeddings and state by ``blend`` where an object was seen."""
        fresh = len(after) - len(self)
        old, *state = (_with_rows(part, fresh) for part in (self.embeddings, *self.state))
        new, new_state = blend(old, tuple(state), after.embeddings, scores, gap)
        seen = after.last_seen == self.frame

        def choose(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(seen.view(-1, *[1] * (new.dim() - 1)), new, old)

        return replace(after, embeddings=choose(new, old),
                       state=tuple(map(choose, new_state, state)))


def _with_rows(table: Tensor, count: int) -> Tensor:
    """With so many rows of zeros behind it."""
    return torch.cat([table, table.new_zeros(count, *table.shape[1:])])


def _centres(boxes: Tensor) -> Tensor:
    """(M, 2) of (M, 4) boxes."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2
