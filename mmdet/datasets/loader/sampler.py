"""In which order items are seen: full batches of one aspect-ratio group, sharded over ranks."""
from typing import Iterator

import numpy as np
from torch import distributed
from torch.utils.data import Sampler

from mmdet.datasets.base import BaseDataset
from mmdet.utils.errors import BadValue


class DistributedGroupSampler(Sampler):
    """Every step, all ranks get items of one aspect-ratio group.

    Each group is shuffled and filled up to full steps with items of its own,
    then the steps are shuffled. The order is a pure function of (seed, epoch)
    and of items a step over all ranks: 2 ranks with 4 items each see the steps
    that 1 rank with 8 sees.

    Yields (epoch, index) pairs, from which a ``BaseDataset`` draws the
    randomness of the item.

    Args:
        dataset: has ``flag``, the group of every item.
        samples_per_gpu: items a step on each rank.
        num_replicas: how many ranks; None: ask ``torch.distributed``.
        rank: which one this is.
        seed: equal on all ranks.
    """

    def __init__(self, dataset: BaseDataset, samples_per_gpu: int = 1,
                 num_replicas: int | None = None, rank: int | None = None, seed: int = 0) -> None:
        group = distributed.is_available() and distributed.is_initialized()
        if num_replicas is None:
            num_replicas = distributed.get_world_size() if group else 1
        if rank is None:
            rank = distributed.get_rank() if group else 0
        self.samples_per_gpu, self.num_replicas, self.rank = samples_per_gpu, num_replicas, rank
        self.seed, self.epoch, self.start_iter = seed, 0, 0
        self.groups = [np.flatnonzero(dataset.flag == flag) for flag in np.unique(dataset.flag)]
        self.step_size = samples_per_gpu * num_replicas
        self.num_steps = sum(-(-len(group) // self.step_size) for group in self.groups)

    def set_epoch(self, epoch: int, start_iter: int = 0) -> None:
        """Choose the order, and the step to start from when a run goes on.

        Args:
            epoch: from 0.
            start_iter: steps of this epoch that were done already; call again
                for the next epoch.

        Raises:
            ValueError: the epoch has fewer steps.
        """
        if not 0 <= start_iter <= self.num_steps:
            raise BadValue(f'start_iter: expected 0 to {self.num_steps}, the steps of an epoch, '
                           f'got {start_iter}; was the run started with another data set, batch '
                           'size or number of GPUs?')
        self.epoch, self.start_iter = epoch, start_iter

    def steps(self) -> np.ndarray:
        """(num_steps, num_replicas, samples_per_gpu) int64: the indices of a whole epoch."""
        rng = np.random.default_rng([self.seed, self.epoch])
        steps = []
        for group in self.groups:
            order = rng.permutation(group)
            steps.append(np.resize(order, (-(-len(group) // self.step_size), self.step_size)))
        steps = np.concatenate(steps) if steps else np.zeros((0, self.step_size), np.int64)
        return rng.permutation(steps).reshape(-1, self.num_replicas, self.samples_per_gpu)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for index in self.steps()[self.start_iter:, self.rank].ravel().tolist():
            yield self.epoch, index

    def __len__(self) -> int:
        """Items of a whole epoch on this rank."""
        return self.num_steps * self.samples_per_gpu


class GroupSampler(DistributedGroupSampler):
    """The same for a single process."""

    def __init__(self, dataset: BaseDataset, samples_per_gpu: int = 1, seed: int = 0) -> None:
        super().__init__(dataset, samples_per_gpu, num_replicas=1, rank=0, seed=seed)


class DistributedSampler(Sampler):
    """Items in file order, every ``num_replicas``-th for each rank; nothing is repeated.

    Yields plain indices.
    """

    def __init__(self, dataset: BaseDataset, num_replicas: int | None = None,
                 rank: int | None = None) -> None:
        group = distributed.is_available() and distributed.is_initialized()
        world = distributed.get_world_size() if group else 1
        here = distributed.get_rank() if group else 0
        self.places = range(here if rank is None else rank, len(dataset),
                            world if num_replicas is None else num_replicas)

    def __iter__(self) -> Iterator[int]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)
