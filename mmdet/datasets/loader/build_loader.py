"""The loader of one process."""
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, SequentialSampler

from mmdet.datasets.base import BaseDataset
from mmdet.datasets.loader.collate import collate
from mmdet.datasets.loader.sampler import DistributedGroupSampler, DistributedSampler, GroupSampler


def init_worker(worker_id: int) -> None:
    """Keep a loader process to one thread; called in each of them.

    OpenCV has been kept to one by :func:`build_dataloader`: here, after a fork, it would wait
    for ever for threads that only its parent has.
    """
    torch.set_num_threads(1)


def build_dataloader(dataset: BaseDataset, imgs_per_gpu: int, workers_per_gpu: int,
                     num_gpus: int = 1, dist: bool = True, shuffle: bool = True,
                     seed: int | None = None, **kwargs: Any) -> DataLoader:
    """Build the loader of one process; batches are dicts of lists, see ``collate``.

    Call ``loader.sampler.set_epoch(epoch, start_iter=0)`` before every epoch of
    a shuffled loader.

    Args:
        dataset: from ``build_dataset``.
        imgs_per_gpu: items a batch; with ``dist=False`` times ``num_gpus``.
        workers_per_gpu: loader processes; on a CPU they take cores from the network's
            threads, see ``mmdet.engine.environment.set_threads``.
        num_gpus: GPUs of this process, if not ``dist``.
        dist: shard over the ranks of ``torch.distributed``, if it runs.
        shuffle: batches of one aspect ratio in random order (training);
            otherwise the order of the file.
        seed: of the order and of all randomness in items, equal on all ranks;
            None keeps ``dataset.seed``.
        kwargs: passed to ``torch.utils.data.DataLoader``.
    """
    if seed is not None:
        dataset.seed = seed
    if workers_per_gpu > 0:
        cv2.setNumThreads(1)
    batch = imgs_per_gpu if dist else imgs_per_gpu * num_gpus
    if shuffle:
        kind = DistributedGroupSampler if dist else GroupSampler
        sampler = kind(dataset, batch, seed=dataset.seed)
    else:
        sampler = DistributedSampler(dataset) if dist else SequentialSampler(dataset)
    options = dict(pin_memory=torch.cuda.is_available(), persistent_workers=workers_per_gpu > 0,
                   worker_init_fn=init_worker)
    return DataLoader(dataset, batch_size=batch, sampler=sampler, num_workers=workers_per_gpu,
                      collate_fn=collate, **{**options, **kwargs})
