"""Records of runs and their steps."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ml_connector.ports.world import Json


class RunState(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTLY = "partly succeeded"
    BLOCKED = "blocked"
    WAITING_APPROVAL = "waiting for approval"
    UNTIED = "unexplained difference"
    MOVING = "books moving"
    UNKNOWN = "outcome unknown"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


UNFINISHED_STATES = frozenset(
    {RunState.QUEUED, RunState.RUNNING, RunState.INTERRUPTED, RunState.UNKNOWN}
)
"""A flow with a run in one of these takes no second run; it is resumed or cancelled first."""


RUN_RESUMED = "run.resumed"
"""The audit event of somebody who lets a stopped run go on; it is as much theirs from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as the history keeps it."""

    run_id: str
    flow: str
    kind: str
    state: RunState
    actor: str
    request: Json
    summary: Json
    error: Json | None
    created_at: datetime
    finished_at: datetime | None
    stop_asked_by: str = ""
    """Who has asked an executed run to stop before its next step; empty: nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of a run as people see it."""

    name: str
    attempt: int
    state: str
    started_at: datetime
    finished_at: datetime | None
    result: Json
    number: int = field(default=0, repr=False)
    """Of the row; behind it the next ones are asked for."""


class RunStore(Protocol):
    """Runs and their steps."""

    def create_run(self, *, run_id: str, flow: str, kind: str, actor: str, request: Json) -> RunRow:
        """The run exists in state queued.

        Raises:
            BusyError: The flow has an unfinished run; names it.
        """

    def save_run(
        self,
        run_id: str,
        state: RunState,
        *,
        summary: Json | None = None,
        error: Json | None = None,
    ) -> None:
        """The run is in this state; finished states get their time.

        Unless it is queued or running then, a wish that it stop is fulfilled and gone.
        """

    def save_stop_wish(self, run_id: str, *, actor: str) -> bool:
        """The run is to stop before its next step; False where it is not running."""

    def load_run(self, run_id: str) -> RunRow:
        """The run by its id, or an unambiguous prefix of `PREFIX_MIN` characters or more.

        Raises:
            UsageError: No such run, or the prefix is too short or fits several; names them.
        """

    def load_runs(
        self, *, flow: str | None = None, limit: int = 50, before: str = ""
    ) -> list[RunRow]:
        """The newest runs first; those older than the run `before`, where one is named."""

    def find_unfinished(self, flow: str) -> RunRow | None:
        """The run that keeps the flow busy, if any."""

    def record_step_started(self, run_id: str, name: str) -> int:
        """A step began; returns its row number."""

    def record_step_finished(self, row: int, *, state: str, result: Json) -> None:
        """A step ended: done, failed or interrupted."""

    def load_steps(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[StepRow]:
        """The steps in order of their start; those behind a number, where one is given."""

    def find_done_step(self, flow: str, name: str, *, runs_max: int) -> StepRow | None:
        """The newest step of that name that was done in one of the flow's newest runs."""

    def load_timings(self, run_ids: Collection[str]) -> dict[str, list[StepRow]]:
        """The steps of these runs by run, in order of their start; what they told is left out."""
