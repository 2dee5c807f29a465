"""A stop that is felt at once: no wait goes on and no further request leaves.

Steps look at the engine's own flag only where they begin and while they poll. A step that reads a
hundred batches, or waits for a Retry-After, would go on for minutes; here it ends at the next
request. That is a place where nothing of the step is under way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from ml_connector.errors import RunInterruptedError
from ml_connector.ports import Clock, RequestBudget
from ml_connector.records.clock import SystemClock


class StoppableClock(SystemClock):
    """The machine's time; waits end when a stop is asked for, and what follows finds out."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds, or when a stop is asked for."""
        self._stop.wait(seconds)


class StoppingClock(StoppableClock):
    """For waits whose end means that a request leaves: a stop ends them by an error."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds.

        Raises:
            RunInterruptedError: A stop was asked for meanwhile.
        """
        if self._stop.wait(seconds):
            raise _stopped()


class StoppableBudget:
    """A budget that grants nothing any more once a stop was asked for.

    Asked with an empty key, where no allowance is configured, it only looks at the stop.
    """

    def __init__(self, budget: RequestBudget, stop: Event) -> None:
        self._budget = budget
        self._stop = stop

    def acquire(self, key: str) -> None:
        """Return when one request may be sent now.

        Raises:
            RunInterruptedError: A stop was asked for; the request is not sent.
        """
        self._verify_running()
        if key:
            self._budget.acquire(key)
            # The wait may have been for another reader of the run, whose end was noticed there.
            self._verify_running()

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long."""
        self._budget.hold(key, seconds)

    def _verify_running(self) -> None:
        if self._stop.is_set():
            raise _stopped()


def machine_clock(stop: Event) -> Clock:
    """The clock of everybody who is not given another one."""
    return StoppableClock(stop)


def budget_clock(clock: Clock, stop: Event) -> Clock:
    """The clock a budget waits by: the given one, or of the machine's the one that raises."""
    return StoppingClock(stop) if isinstance(clock, StoppableClock) else clock


@contextmanager
def naming_run(run_id: str) -> Iterator[None]:
    """An interruption inside the block leaves it with the command that goes on with this run."""
    try:
        yield
    except RunInterruptedError as error:
        raise RunInterruptedError(
            error.refused,
            written=error.written,
            next_step=f"Go on: `ml-connector runs resume {run_id}`.",
            run_id=run_id,
        ) from error


def _stopped() -> RunInterruptedError:
    return RunInterruptedError(
        "The run was stopped before its step sent a further request.",
        written="What it had sent stays; a resume looks at that first and goes on from there.",
        next_step="List the runs, then go on: `ml-connector runs list`.",
    )
