"""A stop that is felt at once: no wait goes on and no further request leaves.

Steps look at the engine's own flag only where they begin and while they poll. A step that reads a
hundred batches, or waits for a Retry-After, would go on for minutes; here it ends at the next
request or wait. Both are places where nothing of that step is under way.
"""

from threading import Event

from ml_connector.errors import RunInterruptedError
from ml_connector.ports import RequestBudget
from ml_connector.records.clock import SystemClock


class StoppableClock(SystemClock):
    """The machine's time; a wait ends when the stop is asked for."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds.

        Raises:
            RunInterruptedError: A stop was asked for meanwhile.
        """
        if self._stop.wait(seconds):
            raise _stopped("waited")


class StoppableBudget:
    """A budget that grants nothing any more once the stop was asked for.

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
        if self._stop.is_set():
            raise _stopped("was about to send a request")
        if key:
            self._budget.acquire(key)

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long."""
        self._budget.hold(key, seconds)


def _stopped(what: str) -> RunInterruptedError:
    return RunInterruptedError(
        f"The run was stopped while its step {what}.",
        written="What it had sent stays; a resume looks at that first and goes on from there.",
        next_step="List the runs, then go on: `ml-connector runs list`.",
    )
