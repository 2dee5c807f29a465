"""Which runs this process executes now, and what those that stopped stopped with."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from ml_connector.errors import ConnectorError

ERRORS_KEPT_MAX = 1_000
WATCH_POLL_S = 1.0
"""Between two looks at a run that is executed here: its end is told, only its loss is not."""
WAIT_POLL_S = 0.1
"""The same of a run that waits, is executed elsewhere, or has just left its thread."""


class RunBoard:
    """Shared by the threads of all runs of an engine."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # A resumed run may begin while its stopped predecessor still leaves its thread.
        self._executing: Counter[str] = Counter()
        self._errors: OrderedDict[str, ConnectorError] = OrderedDict()

    @contextmanager
    def executing(self, run_id: str) -> Iterator[None]:
        """The run counts as executed here during the block."""
        with self._changed:
            self._executing[run_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._executing[run_id] -= 1
                self._executing += Counter()  # drops runs that are counted zero times
                self._changed.notify_all()

    def is_executing(self, run_id: str) -> bool:
        """Whether a thread of this process is in the run."""
        with self._changed:
            return run_id in self._executing

    def wait_change(self, run_id: str) -> None:
        """Return when a run has ended here, or when it is time to look at this one again.

        Not of the clock port: what is waited for are threads, which no moved clock hastens.
        """
        with self._changed:
            is_ours = run_id in self._executing
            self._changed.wait(timeout=WATCH_POLL_S if is_ours else WAIT_POLL_S)

    def wait_idle(self, seconds: float) -> list[str]:
        """Runs still executed after that time; none as soon as all have ended."""
        with self._changed:
            self._changed.wait_for(lambda: not self._executing, timeout=seconds)
            return sorted(self._executing)

    def keep_error(self, run_id: str, error: ConnectorError) -> None:
        """The run stopped with this error; the oldest are forgotten beyond the maximum."""
        with self._changed:
            self._errors[run_id] = error
            if len(self._errors) > ERRORS_KEPT_MAX:
                self._errors.popitem(last=False)

    def find_error(self, run_id: str) -> ConnectorError | None:
        """What the run stopped with in this process."""
        with self._changed:
            return self._errors.get(run_id)

    def is_over(self, run_id: str) -> bool:
        """Whether the run stopped in this process and no thread is in it."""
        with self._changed:
            return run_id in self._errors and run_id not in self._executing

    def forget_error(self, run_id: str) -> None:
        """The run goes on."""
        with self._changed:
            self._errors.pop(run_id, None)
