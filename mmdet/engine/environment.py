"""The machine: device, threads, seeds, and what the log says of them."""
import functools
import os
import random
import subprocess

import numpy as np
import torch
from mmengine.utils.dl_utils import collect_env

from mmdet.utils.errors import BadValue

MOST = 512  # threads or processes anybody means


def this_device(name: str | torch.device | None = None) -> torch.device:
    """The device that was asked for; by default the GPU of this process, or the CPU.

    Args:
        name: ``cpu``, ``cuda`` or ``cuda:1`` (what else this PyTorch knows works too).

    Raises:
        ValueError: there is no such device here.
    """
    if name is None or str(name) == 'cuda':
        if torch.cuda.is_available():
            return torch.device('cuda', torch.cuda.current_device())
        if name is not None:
            raise BadValue(f'device {name}: {_why_no_gpu()}; use cpu')
        return torch.device('cpu')
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise BadValue(f'device {name}: unknown; expected cpu, cuda, or cuda:N') from None
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        there = torch.cuda.device_count()
        raise BadValue(f'device {name}: ' + (
            f'this machine has {there} GPUs, cuda:0 to cuda:{there - 1}; choose one of them'
            if there else f'{_why_no_gpu()}; use cpu'))
    try:
        torch.empty(1, device=device)
    except (RuntimeError, NotImplementedError, AssertionError) as error:
        raise BadValue(f'device {name}: PyTorch cannot use it here '
                       f'({str(error).splitlines()[0]:.80}); use cpu') from None
    return device


def _why_no_gpu() -> str:
    if torch.version.cuda is None and torch.version.hip is None:
        return 'this PyTorch was built for CPUs only'
    return 'PyTorch finds no GPU here'


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


def iteration_seed(seed: int, iteration: int, rank: int) -> int:
    """Seed of the generators of one step; resuming needs no saved state."""
    return int(np.random.SeedSequence([seed, iteration, rank]).generate_state(1)[0])


def check_count(value: int, name: str, least: int = 1) -> int:
    """``value`` itself if a machine can run so many threads or processes (ValueError if not)."""
    if type(value) is not int or not least <= value <= MOST:
        raise BadValue(f'{name} must be a whole number from {least} to {MOST}, got {value!r:.60}')
    return value


def set_threads(workers: int, num_threads: int | None = None,
                device: torch.device | None = None) -> int:
    """Share the cores between compute threads and data workers.

    On a CPU a busy data worker stalls every OpenMP barrier of the step (two
    cores: 0.8 s became 10 s), so one worker is allowed per four cores and the
    threads leave it a core. With a GPU the workers get the cores. A single process
    computes with ``OMP_NUM_THREADS`` threads where that is set (torchrun sets it to 1 for
    several, whatever the machine).

    Args:
        workers: ``workers_per_gpu`` of the config.
        num_threads: compute threads per process, if the config sets them.
        device: where the network runs, if that is decided.

    Returns:
        The number of data workers to use.

    Raises:
        ValueError: no machine has that many threads (torch would crash).
    """
    if num_threads is not None:
        check_count(num_threads, 'num_threads')
    local = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    cores = max(1, _cores() // local)
    if torch.cuda.is_available() and (device is None or device.type != 'cpu'):
        workers = min(workers, cores)
        threads = max(1, min(4, cores - workers))
    else:
        workers = min(workers, cores // 4)
        threads = cores - workers
    torch.set_num_threads(num_threads or (local == 1 and _environment_threads()) or threads)
    return workers


def _environment_threads() -> int:
    """``OMP_NUM_THREADS``, as PyTorch read it; 0 if unset or no number."""
    value = os.environ.get('OMP_NUM_THREADS', '')
    return min(int(value), MOST) if value.isdecimal() else 0


def _cores() -> int:
    mine = hasattr(os, 'sched_getaffinity')  # not on every system
    return len(os.sched_getaffinity(0)) if mine else os.cpu_count() or 1


@functools.lru_cache(maxsize=1)
def _versions() -> dict:
    info = collect_env()  # asks compilers, takes a moment
    for noise in ('PyTorch compiling details', 'numpy_random_seed', 'MUSA available'):
        info.pop(noise, None)
    return info


def environment_text() -> str:
    """Versions, hardware and git revision, one per line, for the log."""
    info = {**_versions(), 'threads': torch.get_num_threads(), 'mmdet revision': _revision()}
    return '\n'.join(f'{key}: {value}' for key, value in info.items())


def _revision() -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        out = subprocess.run(['git', 'rev-parse', 'HEAD'], cwd=here,
                             capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return 'unknown'
    return out.stdout.strip() or 'unknown'
