"""The engine: durable runs; progress only, the truth about writes lives in records."""

from collections.abc import Callable
from typing import Protocol

from ml_connector.ports.world import Json


class Steps(Protocol):
    """What a running flow may ask of the engine."""

    run_id: str

    def step(self, name: str, body: Callable[[], Json]) -> Json:
        """The body's result, computed at most once per success and stored; at least once per crash.

        A body that raises is not stored as an outcome: the run stops with that error and a resume
        executes the same step again. Names may repeat; order must not depend on anything but
        earlier results.

        Raises:
            RunInterruptedError: A stop was asked for; the step was not begun.
        """

    def is_changed(self, change: str) -> bool:
        """Whether this run takes the new way of that change of a flow's steps.

        A run whose history goes on behind this place as it was before the change keeps the old way
        to its end; any other takes the new way, and its history says so. Asked at one place, under
        a name that is used once.

        Raises:
            RunInterruptedError: A stop was asked for.
        """

    def is_stop_requested(self) -> bool:
        """Whether a long step shall leave within five seconds (poll loops look here)."""


class FlowFunction(Protocol):
    """A flow registered under a fixed name."""

    def __call__(self, steps: Steps, request: Json) -> Json:
        """Run to the end and return the run's summary."""


class Engine(Protocol):
    """Durable runs: progress only; truth about writes lives in records."""

    def start(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The run is queued under its id; the same id twice is one run."""

    def wait(self, run_id: str) -> Json:
        """The run's summary once it ended.

        Raises:
            ConnectorError: The error the run stopped with.
        """

    def resume(self, run_id: str) -> None:
        """An interrupted, failed or abandoned run goes on at its first missing step."""

    def request_stop(self) -> None:
        """All runs of this process stop at their next step boundary and stay resumable."""
