"""What the engine tells of its runs while they go on; the history of runs is made of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

from ml_connector.errors import ConnectorError
from ml_connector.ports import Json

logger = logging.getLogger(__name__)


class StepState(StrEnum):
    """How an attempt at a step ended."""

    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class RunObserver(Protocol):
    """Hears of every attempt at a step, and of the end of each run.

    Called in the run's own thread. A process may be killed between any two calls, so an attempt
    may never be heard to finish, and a finished run that is resumed is heard to finish again. Steps
    that are only replayed from history are not told. What an observer raises stops the run.
    """

    def run_started(self, run_id: str) -> None:
        """The run left the queue, for the first time or after a resume."""

    def step_started(self, run_id: str, name: str) -> int:
        """An attempt at a step begins; returns a token for its end."""

    def step_finished(self, token: int, *, state: StepState, result: Json) -> None:
        """The attempt ended; `result` is the step's result, or the error's record."""

    def run_finished(
        self, run_id: str, *, summary: Json | None, error: ConnectorError | None
    ) -> None:
        """The run ended with a summary, or stopped with an error and can be resumed."""

    def run_given_back(self, run_id: str) -> None:
        """This process stops and has left the run; it is about to be queued for others."""

    def run_taken_over(self, run_id: str) -> None:
        """The process that had the run is dead; it is queued again, or begun elsewhere already."""


@contextmanager
def logged(event: str, run_id: str) -> Iterator[None]:
    """What fails inside the block is logged; the run it is about has already stopped."""
    try:
        yield
    except Exception:
        logger.exception("%s run_id=%s", event, run_id)


class SilentObserver:
    """Keeps nothing."""

    def run_started(self, run_id: str) -> None:
        """Nothing is kept."""

    def step_started(self, run_id: str, name: str) -> int:  # noqa: ARG002 - the protocol's shape
        """Nothing is kept."""
        return 0

    def step_finished(self, token: int, *, state: StepState, result: Json) -> None:
        """Nothing is kept."""

    def run_finished(
        self, run_id: str, *, summary: Json | None, error: ConnectorError | None
    ) -> None:
        """Nothing is kept."""

    def run_given_back(self, run_id: str) -> None:
        """Nothing is kept."""

    def run_taken_over(self, run_id: str) -> None:
        """Nothing is kept."""
