"""Videos over processes: who tests which."""
import os
from collections.abc import Sequence

import torch

from mmdet.engine.environment import check_count
from mmdet.utils.errors import BadValue


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


def check_gpus(gpus: int, per_gpu: int, device: str | None = None) -> int:
    """Number of processes for ``--gpus`` and ``--proc_per_gpu``.

    Without any GPU, or with ``device`` cpu, they share the CPU cores.

    Raises:
        ValueError: a number is below 1 or beyond reason, there are fewer GPUs, or ``device``
            is a single one of them.
    """
    if gpus < 1 or per_gpu < 1:
        raise BadValue(f'--gpus {gpus} --proc_per_gpu {per_gpu}: expected 1 or more')
    check_count(gpus * per_gpu, 'the number of processes, --gpus times --proc_per_gpu,')
    if gpus > 1 and device is not None and ':' in device:
        raise BadValue(f'--gpus {gpus}: --device {device} is one GPU; leave one of the two out')
    there = 0 if device == 'cpu' else torch.cuda.device_count()
    if 0 < there < gpus:
        raise BadValue(f'--gpus {gpus}: this machine has {there}; ask for fewer, or start one '
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
