"""Independent pieces of work, one thread each: coarser than the parallel loops inside torch, and without their waiting.

Torch's own threads meet at a barrier after every small operation and spin there; on a machine with other work to do
that costs many times the operation itself. Here each worker runs its pieces with torch on a single thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def one_thread() -> Iterator[int]:
    """Torch on a single thread inside the block, for many small operations; gives the number of threads to share out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


def map_threaded(function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None) -> Iterator[Result]:
    """function(item) of every item, in order, on `workers` threads: as many as the caller may use torch threads unless given.

    function must not depend on the order of its calls: the results are then the same for any number of threads. Within a
    worker the calls run one after the other, so nesting is safe. An error, or an interruption, cancels what has not begun.
    The threads are kept from call to call: starting them takes longer than many a piece of work.
    """
    workers = workers or torch.get_num_threads()
    if workers == 1 or getattr(_here, "is_worker", False):
        yield from map(function, items)
        return
    pool = _pools.get(workers)
    if pool is None:
        pool = _pools.setdefault(workers, ThreadPoolExecutor(workers, initializer=_begin_worker))
    futures = [pool.submit(function, item) for item in items]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
        wait(futures)


_here = threading.local()
_pools: dict[int, ThreadPoolExecutor] = {}
# A forked process has no other threads than the one that forked.
os.register_at_fork(after_in_child=_pools.clear)


def _begin_worker() -> None:
    torch.set_num_threads(1)
    _here.is_worker = True


def run_threaded(function: Callable[[Item], None], items: Iterable[Item]) -> None:
    """`map_threaded` for work that stores its own results."""
    for _ in map_threaded(function, items):
        pass
