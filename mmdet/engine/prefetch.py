"""Getting the next frames ready while the network is busy."""
import collections
import concurrent.futures
import os
from typing import Any, Callable, Iterable, Iterator

import torch

_END = object()


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
    with concurrent.futures.ThreadPoolExecutor(workers, 'frames') as pool:
        yield from _results((pool.submit(function, item) for item in items), 2 * workers)


def read_ahead(items: Iterable[Any], count: int) -> Iterator[Any]:
    """The items of an iterator that works in a thread of its own, up to ``count`` ahead.

    With a count of 0 it works right when an item is asked for.
    """
    if count == 0:
        yield from items
        return
    source = iter(items)
    with concurrent.futures.ThreadPoolExecutor(1, 'frames') as pool:
        asked = (pool.submit(next, source, _END) for _ in iter(int, 1))  # for ever
        for item in _results(asked, count):
            if item is _END:
                return
            yield item


def _results(futures: Iterator[concurrent.futures.Future], ahead: int) -> Iterator[Any]:
    """The results of futures in order; ``ahead`` more are asked for before one is waited for."""
    waiting = collections.deque()
    try:
        for future in futures:
            waiting.append(future)
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
