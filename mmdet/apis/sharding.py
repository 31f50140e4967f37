"""Videos over processes: who tests which, and one answer in the end."""
import datetime
import functools
import os
from typing import Any, Optional, Sequence

import torch
from torch import distributed as dist

from .env import rank_and_world


def balanced_shards(lengths: Sequence[int], count: int) -> list[list[int]]:
    """Deal videos out so that every process has about as many frames.

    Longest first, each to the process with the least so far. The same on
    every process.

    Args:
        lengths: frames of each video.
        count: number of processes.

    Returns:
        ``count`` rising lists of video indices; every video is in one of them.
    """
    shards, frames = [[] for _ in range(count)], [0] * count
    for video in sorted(range(len(lengths)), key=lambda v: -lengths[v]):
        least = frames.index(min(frames))
        shards[least].append(video)
        frames[least] += lengths[video]
    return [sorted(shard) for shard in shards]


@functools.lru_cache(maxsize=1)
def _object_group(world_group: Any) -> Any:
    """A gloo group that waits long: a process may test for hours more than another."""
    return dist.new_group(backend='gloo', timeout=datetime.timedelta(days=2))


def gather_dicts(part: dict) -> Optional[dict]:
    """Merge the dicts of all processes; None everywhere but on rank 0."""
    rank, count = rank_and_world()
    if count == 1:
        return part
    parts = [None] * count if rank == 0 else None
    dist.gather_object(part, parts, group=_object_group(dist.group.WORLD))
    if rank != 0:
        return None
    return {key: value for one in parts for key, value in one.items()}


def broadcast(value: Any) -> Any:
    """The value of rank 0, on every process."""
    if rank_and_world()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0, group=_object_group(dist.group.WORLD))
    return box[0]


def check_gpus(gpus: int, per_gpu: int) -> int:
    """Number of processes for ``--gpus`` and ``--proc_per_gpu``.

    Without any GPU they share the CPU cores.

    Raises:
        ValueError: a number is below 1, or there are fewer GPUs.
    """
    if gpus < 1 or per_gpu < 1:
        raise ValueError(f'--gpus {gpus} --proc_per_gpu {per_gpu}: expected 1 or more')
    there = torch.cuda.device_count()
    if 0 < there < gpus:
        raise ValueError(f'--gpus {gpus}: this machine has {there}; ask for fewer, or start one '
                         'process a machine and GPU with --launcher')
    return gpus * per_gpu


def use_gpus(count: int) -> None:
    """Let this process and those it starts see only the first ``count`` GPUs.

    Has an effect only before CUDA is first used.
    """
    if torch.cuda.is_available():
        visible = os.environ.get('CUDA_VISIBLE_DEVICES')
        names = visible.split(',') if visible else [str(i) for i in range(count)]
        os.environ['CUDA_VISIBLE_DEVICES'] = ','.join(names[:count])
