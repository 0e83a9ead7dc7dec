"""Independent pieces of work, one thread each: coarser than the parallel loops inside torch, and without their waiting.

Torch's own threads meet at a barrier after every small operation and spin there; on a machine with other work to do
that costs many times the operation itself. Here each worker runs its pieces with torch on a single thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
    """
    workers = workers or torch.get_num_threads()
    if workers == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_threaded(function: Callable[[Item], None], items: Iterable[Item]) -> None:
    """`map_threaded` for work that stores its own results."""
    for _ in map_threaded(function, items):
        pass
