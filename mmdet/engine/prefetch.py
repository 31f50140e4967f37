"""Getting the next frames ready while the network is busy."""
import collections
import concurrent.futures
import os
from typing import Any, Callable, Iterable, Iterator

import torch


def default_workers(device: torch.device) -> int:
    """Threads that load frames for ``device``.

    On a GPU up to four. None on a CPU: decoding a frame takes a few hundredths
    of its pass through the network, and a thread that runs beside the compute
    threads holds all of them up at every barrier.
    """
    if torch.device(device).type == 'cpu':
        return 0
    return max(1, min(4, (os.cpu_count() or 2) - 1))


def prefetch(function: Callable[[Any], Any], items: Iterable[Any],
             workers: int) -> Iterator[Any]:
    """``map`` in order, a few items ahead.

    Args:
        function: called for every item; with several workers, in several
            threads at a time.
        items: what to call it with.
        workers: number of threads; 0 calls it right when a value is asked for.

    Yields:
        the values, in the order of ``items``. An error of ``function`` is raised
        where its value would have come.
    """
    if workers == 0:
        yield from map(function, items)
        return
    waiting = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(workers, 'frames') as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
