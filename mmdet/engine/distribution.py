"""Several processes: joining them, and saying the same on all."""
import datetime
import functools
import os
import subprocess
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from mmdet.engine.launch import follow_launcher
from mmdet.utils.errors import BadEnvironment, BadValue, UserError, sentence

T = TypeVar('T')
# Where each launcher says: rank, number of processes, rank on this machine.
_LAUNCHERS = dict(
    pytorch=('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    mpi=('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'))


def init_dist(launcher: str, backend: str = 'nccl', **kwargs: Any) -> None:
    """Join the process group of a launcher.

    Args:
        launcher: ``pytorch`` (torchrun), ``slurm`` or ``mpi``.
        backend: ``nccl`` becomes ``gloo`` on a machine without a GPU.
        **kwargs: for ``torch.distributed.init_process_group``, ``timeout`` in
            seconds; ``port`` is taken for slurm, as in 2019.

    Raises:
        ValueError: unknown launcher.
        RuntimeError: the launcher's environment variables are not there.
    """
    if launcher not in _LAUNCHERS:
        raise BadValue(f'launcher "{launcher}" is unknown; expected one of '
                         f'{", ".join(_LAUNCHERS)}')
    follow_launcher()
    port = kwargs.pop('port', 29500)
    if isinstance(kwargs.get('timeout'), (int, float)):
        kwargs['timeout'] = datetime.timedelta(seconds=kwargs['timeout'])
    for ours, theirs in zip(_LAUNCHERS['pytorch'], _LAUNCHERS[launcher]):
        if theirs not in os.environ:
            raise BadEnvironment(f'launcher "{launcher}": {theirs} is not set; '
                               f'start the program through {launcher}')
        os.environ[ours] = os.environ[theirs]
    os.environ.setdefault('MASTER_PORT', str(port))
    for library in ('OMP', 'MKL'):  # set_threads decides
        os.environ.setdefault(f'{library}_NUM_THREADS', '1')
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_host(launcher)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ['LOCAL_RANK']) % torch.cuda.device_count())
    elif backend == 'nccl':
        backend = 'gloo'
    dist.init_process_group(backend, **kwargs)


def _first_host(launcher: str) -> str:
    here = int(os.environ.get('OMPI_COMM_WORLD_LOCAL_SIZE', os.environ['WORLD_SIZE']))
    if launcher == 'mpi' and here < int(os.environ['WORLD_SIZE']):
        raise BadEnvironment('launcher "mpi" over several machines: say where rank 0 runs, '
                           'mpirun -x MASTER_ADDR=HOST ...')
    if launcher != 'slurm':
        return '127.0.0.1'
    nodes = os.environ['SLURM_NODELIST']
    return subprocess.run(['scontrol', 'show', 'hostname', nodes], check=True,
                          capture_output=True, text=True).stdout.split()[0]


def rank_and_world() -> tuple[int, int]:
    """This process's rank and the number of processes (0, 1 when alone)."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


@functools.lru_cache(maxsize=1)
def _object_group(world_group: Any) -> Any:
    """A gloo group that waits long: a process may test for hours more than another."""
    return dist.new_group(backend='gloo', timeout=datetime.timedelta(days=2))


def broadcast(value: Any) -> Any:
    """Rank 0's value, on every process; any that can be pickled."""
    if rank_and_world()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0, group=_object_group(dist.group.WORLD))
    return box[0]


def gather_dicts(part: dict) -> dict | None:
    """Merge the dicts of all processes; None everywhere but on rank 0."""
    rank, count = rank_and_world()
    if count == 1:
        return part
    parts = [None] * count if rank == 0 else None
    dist.gather_object(part, parts, group=_object_group(dist.group.WORLD))
    if rank != 0:
        return None
    return {key: value for one in parts for key, value in one.items()}


class OtherProcessFailed(UserError, RuntimeError):
    """Another process failed at what all of them do; the message says which and why."""


def together(work: Callable[[], T]) -> T:
    """Do this process's part; where one fails, all do, so that none waits for it for ever.

    Args:
        work: must not wait for other processes itself.

    Raises:
        Exception: what ``work`` raised here.
        OtherProcessFailed: it succeeded here, but not everywhere.
    """
    if rank_and_world()[1] == 1:
        return work()
    value, error = None, None
    try:
        value = work()
    except Exception as raised:  # told to all below
        error = raised
    said = [None] * rank_and_world()[1]
    own = None if error is None else f'{type(error).__name__}: {sentence(error)}'
    dist.all_gather_object(said, own, group=_object_group(dist.group.WORLD))
    if error is not None:
        raise error
    for rank, text in enumerate(said):
        if text is not None:
            raise OtherProcessFailed(f'process {rank} of {len(said)} failed: {text}')
    return value


def largest(value: int, device: torch.device) -> int:
    """The largest of a number over all processes."""
    if rank_and_world()[1] == 1:
        return value
    shared = torch.tensor([value], device=device)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return int(shared)
