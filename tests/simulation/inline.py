"""No threads: what the product does side by side is done one after the other, in its order."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

POOLS = (
    "ml_connector.flows.ledger.control.ExactPool",
    "ml_connector.flows.revising.looking.ExactPool",
)
MAPS = (
    "ml_connector.systems.fusion.adapter.map_parallel",
    "ml_connector.systems.jde.batches.map_parallel",
    "ml_connector.systems.jde.stamps.map_parallel",
)


class InlinePool:
    """A thread pool of the caller's own thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """The work is done; a crash is not put off."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 - a pool keeps it for the caller.
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *items: Iterable[Any]) -> Iterator[Any]:
        """Results in order."""
        return map(work, *items)


def map_inline(
    work: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    threads: int,
) -> Iterator[Any]:
    """Results in order."""
    return map(work, items)


@contextmanager
def inline_threads() -> Iterator[None]:
    """Inside the block the product starts no thread of its own."""
    with ExitStack() as stack:
        for name in POOLS:
            stack.enter_context(patch(name, InlinePool))
        for name in MAPS:
            stack.enter_context(patch(name, map_inline))
        yield
