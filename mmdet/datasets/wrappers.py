"""Data sets made of data sets."""
import bisect
from typing import Any, Iterator, Sequence

import numpy as np

from mmdet.datasets.base import BaseDataset
from mmdet.datasets.registry import DATASETS
from mmdet.utils.errors import BadValue

SHARED = ('CLASSES', 'img_norm_cfg', 'size_divisor', 'test_mode')


class ConcatDataset(BaseDataset):
    """Several data sets one after the other.

    Args:
        datasets: at least one, with equal classes, normalisation and padding.

    Raises:
        ValueError: they differ in that.
    """

    def __init__(self, datasets: Sequence[BaseDataset]) -> None:
        self.datasets = list(datasets)
        for key in SHARED:
            values = [getattr(dataset, key, None) for dataset in self.datasets]
            for place, value in enumerate(values):
                if value != values[0]:
                    raise BadValue(f'concatenated data sets must agree on {key}: the first has '
                                   f'{values[0]}, number {place + 1} has {value}')
            setattr(self, key, values[0])
        self.ends = np.cumsum([len(dataset) for dataset in self.datasets]).tolist()
        self.flag = np.concatenate([dataset.flag for dataset in self.datasets])

    def __len__(self) -> int:
        return self.ends[-1]

    def parts(self) -> Iterator[BaseDataset]:
        """The data sets of one annotation file each."""
        for dataset in self.datasets:
            yield from dataset.parts()

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """Item ``index`` of all of them."""
        place = bisect.bisect_right(self.ends, index)
        start = self.ends[place - 1] if place else 0
        return self.datasets[place].sample(index - start, rng)


@DATASETS.register_module
class RepeatDataset(BaseDataset):
    """A data set several times an epoch, with new random numbers each time.

    Args:
        dataset: a data set (``build_dataset`` takes its config).
        times: how often.
    """

    def __init__(self, dataset: BaseDataset, times: int) -> None:
        if times < 1:
            raise BadValue(f'RepeatDataset: times must be at least 1, got {times}')
        self.dataset, self.times = dataset, times
        for key in SHARED:
            setattr(self, key, getattr(dataset, key, None))
        self.flag = np.tile(dataset.flag, times)

    def __len__(self) -> int:
        return self.times * len(self.dataset)

    def parts(self) -> Iterator[BaseDataset]:
        """The data sets of one annotation file each."""
        yield from self.dataset.parts()

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """Item ``index`` modulo the length of the data set."""
        return self.dataset.sample(index % len(self.dataset), rng)
