"""A data loader that knows the machine."""
import logging
import os
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, SequentialSampler

from mmdet.datasets.loader.collate import collate
from mmdet.datasets.loader.sampler import DistributedGroupSampler, DistributedSampler, GroupSampler
from mmdet.datasets.base import BaseDataset


def available_cores() -> int:
    """Cores for this process: its share, if several train on this machine."""
    mine = hasattr(os, 'sched_getaffinity')  # not on every system
    cores = len(os.sched_getaffinity(0)) if mine else os.cpu_count() or 1
    return max(cores // int(os.environ.get('LOCAL_WORLD_SIZE', 1)), 1)


def choose_workers(requested: int, cores: int, compute_threads: int, has_gpu: bool) -> int:
    """How many loader processes help rather than hurt.

    On a CPU the network's threads wait for each other many times a step, so a
    process that takes one of their cores slows them all (seen: tenfold on two
    cores). Workers then only get cores the compute threads leave.

    Args:
        requested: ``workers_per_gpu``.
        cores: cores of this machine.
        compute_threads: threads of torch in this process.
        has_gpu: the network runs on a GPU.
    """
    return min(requested, cores if has_gpu else max(cores - compute_threads, 0))


def init_worker(worker_id: int) -> None:
    """Keep a loader process to one thread; called in each of them."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def build_dataloader(dataset: BaseDataset, imgs_per_gpu: int, workers_per_gpu: int,
                     num_gpus: int = 1, dist: bool = True, shuffle: bool = True,
                     seed: int | None = None, force_workers: bool = False,
                     **kwargs: Any) -> DataLoader:
    """Build the loader of one process; batches are dicts of lists, see ``collate``.

    Call ``loader.sampler.set_epoch(epoch, start_iter=0)`` before every epoch of
    a shuffled loader.

    Args:
        dataset: from ``build_dataset``.
        imgs_per_gpu: items a batch; with ``dist=False`` times ``num_gpus``.
        workers_per_gpu: loader processes wanted; fewer on a machine whose
            cores compute (logged).
        num_gpus: GPUs of this process, if not ``dist``.
        dist: shard over the ranks of ``torch.distributed``, if it runs.
        shuffle: batches of one aspect ratio in random order (training);
            otherwise the order of the file.
        seed: of the order and of all randomness in items, equal on all ranks;
            None keeps ``dataset.seed``.
        force_workers: take ``workers_per_gpu`` as it is.
        kwargs: passed to ``torch.utils.data.DataLoader``.
    """
    if seed is not None:
        dataset.seed = seed
    batch = imgs_per_gpu if dist else imgs_per_gpu * num_gpus
    if shuffle:
        kind = DistributedGroupSampler if dist else GroupSampler
        sampler = kind(dataset, batch, seed=dataset.seed)
    else:
        sampler = DistributedSampler(dataset) if dist else SequentialSampler(dataset)
    workers = workers_per_gpu
    if not force_workers:
        workers = choose_workers(workers_per_gpu, available_cores(), torch.get_num_threads(),
                                 torch.cuda.is_available())
    if workers != workers_per_gpu:
        logging.getLogger('mmdet').info(
            'data: %d of %d workers, %d cores with %d compute threads; the rest is loaded in the '
            'main process',
            workers, workers_per_gpu, available_cores(), torch.get_num_threads())
    options = dict(pin_memory=torch.cuda.is_available(), persistent_workers=workers > 0,
                   worker_init_fn=init_worker)
    return DataLoader(dataset, batch_size=batch, sampler=sampler, num_workers=workers,
                      collate_fn=collate, **{**options, **kwargs})
