"""Videos over processes: who tests which, and one answer in the end."""
import datetime
import functools
from typing import Any, Optional, Sequence

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
