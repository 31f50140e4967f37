"""The machine: process groups, seeds, threads, and what the log says of them."""
import datetime
import functools
import os
import random
import subprocess
from typing import Any, Optional

import numpy as np
import torch
import torch.distributed as dist
from mmengine.utils.dl_utils import collect_env

from mmdet.utils import get_root_logger

__all__ = [
    'environment_text', 'get_root_logger', 'init_dist', 'rank_and_world', 'same_everywhere',
    'set_random_seed', 'set_threads', 'this_device'
]

# Where each launcher says: rank, number of processes, rank on this machine.
_LAUNCHERS = dict(
    pytorch=('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    mpi=('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE',
         'OMPI_COMM_WORLD_LOCAL_RANK'))


def init_dist(launcher: str, backend: str = 'nccl', **kwargs) -> None:
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
        raise ValueError(f'launcher "{launcher}" is unknown; expected one of '
                         f'{", ".join(_LAUNCHERS)}')
    port = kwargs.pop('port', 29500)
    if isinstance(kwargs.get('timeout'), (int, float)):
        kwargs['timeout'] = datetime.timedelta(seconds=kwargs['timeout'])
    for ours, theirs in zip(_LAUNCHERS['pytorch'], _LAUNCHERS[launcher]):
        if theirs not in os.environ:
            raise RuntimeError(f'launcher "{launcher}": {theirs} is not set; '
                               f'start the program through {launcher}')
        os.environ[ours] = os.environ[theirs]
    os.environ.setdefault('MASTER_PORT', str(port))
    for library in ('OMP', 'MKL'):  # set_threads decides, mmengine would warn
        os.environ.setdefault(f'{library}_NUM_THREADS', '1')
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_host(launcher)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ['LOCAL_RANK']) %
                              torch.cuda.device_count())
    elif backend == 'nccl':
        backend = 'gloo'
    dist.init_process_group(backend, **kwargs)


def _first_host(launcher: str) -> str:
    here = int(os.environ.get('OMPI_COMM_WORLD_LOCAL_SIZE', os.environ['WORLD_SIZE']))
    if launcher == 'mpi' and here < int(os.environ['WORLD_SIZE']):
        raise RuntimeError('launcher "mpi" over several machines: say where rank 0 runs, '
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


def same_everywhere(value: Any) -> Any:
    """Rank 0's value; any that can be pickled."""
    box = [value]
    if rank_and_world()[1] > 1:
        dist.broadcast_object_list(box)
    return box[0]


def this_device() -> torch.device:
    """The GPU of this process, or the CPU."""
    if torch.cuda.is_available():
        return torch.device('cuda', torch.cuda.current_device())
    return torch.device('cpu')


def set_random_seed(seed: int, deterministic: bool = False) -> None:
    """Seed every generator of this process.

    Args:
        seed: any non-negative integer.
        deterministic: only algorithms that give the same bits on every run
            (slower on GPUs; warns where an operator has none).
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    if deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)


def set_threads(workers: int, num_threads: Optional[int] = None) -> int:
    """Share the cores between compute threads and data workers.

    On a CPU a busy data worker stalls every OpenMP barrier of the step (two
    cores: 0.8 s became 10 s), so one worker is allowed per four cores and the
    threads leave it a core. With a GPU the workers get the cores.

    Args:
        workers: ``workers_per_gpu`` of the config.
        num_threads: compute threads a process, if the config sets them.

    Returns:
        The number of data workers to use.
    """
    local = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    cores = max(1, len(os.sched_getaffinity(0)) // local)
    if torch.cuda.is_available():
        workers = min(workers, cores)
        threads = max(1, min(4, cores - workers))
    else:
        workers = min(workers, cores // 4)
        threads = cores - workers
    torch.set_num_threads(num_threads or threads)
    return workers


@functools.lru_cache(maxsize=1)
def _versions() -> dict:
    info = collect_env()  # asks compilers, takes a moment
    for noise in ('PyTorch compiling details', 'numpy_random_seed',
                  'MUSA available'):
        info.pop(noise, None)
    return info


def environment_text() -> str:
    """Versions, hardware and git revision, one a line, for the log."""
    info = {**_versions(), 'threads': torch.get_num_threads(),
            'mmdet revision': _revision()}
    return '\n'.join(f'{key}: {value}' for key, value in info.items())


def _revision() -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        out = subprocess.run(['git', 'rev-parse', 'HEAD'], cwd=here,
                             capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return 'unknown'
    return out.stdout.strip() or 'unknown'
