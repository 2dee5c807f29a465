"""Who asks for a request: a run, or a person beside it.

People draw on a reserve of the request budget, and runs share the rest alike, so whoever asks has
to be known at the moment a request leaves. The thread that executes a run knows it, and whatever
it starts in a copy of its context. Threads that a client starts for itself know nothing; in a
process that executes runs each counts as one of the runs, by turns, and never as a person.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from threading import Lock, local
from typing import Protocol

PERSON = ""

_run: ContextVar[str | None] = ContextVar("run", default=None)


class LinedBudget(Protocol):
    """A request budget that tells runs and people apart."""

    def acquire(self, key: str, *, run_id: str) -> None:
        """Return when one request of that run, or of a person, may be sent now."""

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long."""


class Callers:
    """The runs that this process executes."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._executed: list[str] = []
        self._threads = count()
        self._thread = local()

    @contextmanager
    def executing(self, run_id: str) -> Iterator[None]:
        """Requests of the block are the run's."""
        with self._guard:
            self._executed.append(run_id)
        token = _run.set(run_id)
        try:
            yield
        finally:
            _run.reset(token)
            with self._guard:
                self._executed.remove(run_id)

    def find_run(self) -> str:
        """The run whose request is about to leave; nothing where a person asks."""
        known = _run.get()
        if known is not None:
            return known
        if not hasattr(self._thread, "number"):
            self._thread.number = next(self._threads)
        with self._guard:
            executed = self._executed
            return executed[self._thread.number % len(executed)] if executed else PERSON


@contextmanager
def answering_person() -> Iterator[None]:
    """Requests of the block are a person's, though the process executes runs as well."""
    token = _run.set(PERSON)
    try:
        yield
    finally:
        _run.reset(token)


class CallerBudget:
    """A `ports.RequestBudget` that says for each request who asks."""

    def __init__(self, budget: LinedBudget, callers: Callers) -> None:
        self._budget = budget
        self._callers = callers

    def acquire(self, key: str) -> None:
        """Return when one request may be sent now."""
        self._budget.acquire(key, run_id=self._callers.find_run())

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long."""
        self._budget.hold(key, seconds)
