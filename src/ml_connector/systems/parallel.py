"""Calls side by side, with a bound on how many are under way."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Final, TypeVar

from ml_connector.domain.pools import ExactPool

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

AHEAD: Final = 2
"""Results waiting per thread: enough to keep all busy, few enough to bound memory."""


def map_parallel(
    work: Callable[[ItemT], ResultT], items: Iterable[ItemT], *, threads: int
) -> Iterator[ResultT]:
    """Yield the work's results as they come, in no promised order; money is exact in each thread.

    The first failure is raised after the calls under way have ended; nothing new is begun then,
    nor when the caller stops listening.
    """
    pool = ExactPool(max_workers=threads)
    under_way: set[Future[ResultT]] = set()
    try:
        for item in items:
            under_way.add(pool.submit(work, item))
            if len(under_way) >= threads * AHEAD:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
