"""How the embeddings of an object, frame after frame, become the one it is matched by.

A part has two functions over R objects at once:

``empty(embeddings)``
    its state without objects, a tuple of tensors (0, ...), on the device of (any, D) embeddings.
``__call__(old, state, new, scores, gap)``
    (R, D) embeddings and the state if all R were seen now; ``old`` (R, D), ``state`` of (R, ...)
    before, 0 for new objects; ``new`` (R, D) of this frame; ``scores`` (R,) of the detections;
    ``gap`` (R,) int64 frames since the object was last seen, 0 if it is new.
"""
from typing import Protocol

import torch
from torch import Tensor

from mmdet.core.track.registry import EMBEDDING_MEMORIES
from mmdet.utils.errors import BadValue

State = tuple[Tensor, ...]


class EmbeddingMemory(Protocol):
    """See above."""

    def empty(self, embeddings: Tensor) -> State:
        """The state without objects."""

    def __call__(self, old: Tensor, state: State, new: Tensor, scores: Tensor, gap: Tensor
                 ) -> tuple[Tensor, State]:
        """Embeddings and state if all objects were seen."""


@EMBEDDING_MEMORIES.register_module
class LastEmbedding:
    """The one of the last frame. Source: arXiv:1905.04804."""

    def empty(self, embeddings: Tensor) -> State:
        return ()

    def __call__(self, old: Tensor, state: State, new: Tensor, scores: Tensor, gap: Tensor
                 ) -> tuple[Tensor, State]:
        return new, state


@EMBEDDING_MEMORIES.register_module
class MomentumEmbedding:
    """A running mean: ``momentum`` of the old one and the rest of the new.

    Source: JDE, arXiv:1909.12605, section 3.5 (with 0.9).
    """

    def __init__(self, momentum: float = 0.5) -> None:
        if not 0 <= momentum < 1:
            raise BadValue(f'MomentumEmbedding: momentum {momentum}: expected 0 up to below 1')
        self.momentum = momentum

    def empty(self, embeddings: Tensor) -> State:
        return ()

    def __call__(self, old: Tensor, state: State, new: Tensor, scores: Tensor, gap: Tensor
                 ) -> tuple[Tensor, State]:
        return torch.where((gap > 0)[:, None], torch.lerp(new, old, self.momentum), new), state


@EMBEDDING_MEMORIES.register_module
class EmbeddingBank:
    """The mean of the last ``size``, each weighted by its detection score and its age.

    The weight is score times ``decay`` to the power of the age in frames. As logits are inner
    products, matching with the mean is the weighted mean of matching with each.

    Source: the memory bank of IDOL, arXiv:2207.10661, section 3.3; decay by age instead of rank.
    """

    def __init__(self, size: int = 5, decay: float = 0.9) -> None:
        if not (isinstance(size, int) and size > 0 and 0 < decay <= 1):
            raise BadValue(f'EmbeddingBank: size {size}, decay {decay}: expected a whole number '
                           'from 1 up, and a decay above 0 up to 1')
        self.size, self.decay = size, decay

    def empty(self, embeddings: Tensor) -> State:
        return (embeddings.new_zeros((0, self.size, embeddings.shape[1])),
                embeddings.new_zeros((0, self.size), dtype=torch.float32))

    def __call__(self, old: Tensor, state: State, new: Tensor, scores: Tensor, gap: Tensor
                 ) -> tuple[Tensor, State]:
        bank, weights = state
        bank = torch.cat([new[:, None], bank[:, :-1]], dim=1)
        aged = weights[:, :-1] * self.decay**gap[:, None]
        weights = torch.cat([scores[:, None].clamp(min=1e-6), aged], dim=1)
        share = weights / weights.sum(dim=1, keepdim=True)
        return (share[:, :, None].to(bank.dtype) * bank).sum(dim=1), (bank, weights)
