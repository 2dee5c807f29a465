"""Records of schedules: when each is due next, and what became of every time that came."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ml_connector.ports.runs import RunState
from ml_connector.ports.world import Json


class FiringState(StrEnum):
    """How a firing stands."""

    CLAIMED = "claimed"
    WAITING = "waiting"
    RECORDED = "recorded"
    STARTED = "started"
    PASSED_OVER = "passed over"
    MISSED = "missed"
    SKIPPED = "skipped"
    REFUSED = "refused"


UNBEGUN_FIRINGS = frozenset({FiringState.CLAIMED, FiringState.WAITING})
"""No run of theirs is recorded yet; a newer firing passes them over."""
OPEN_FIRINGS = UNBEGUN_FIRINGS | {FiringState.RECORDED}
"""Somebody has to do something yet: record the run, or hand it to the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """A schedule as it was last taken from the project folder."""

    name: str
    flow: str
    definition: Json
    """Its settings, so that every process that looks decides alike; empty: never taken in."""
    next_due_at: datetime | None
    """None: paused, switched off, gone from the folder, or it never comes."""
    paused_by: str
    paused_at: datetime | None
    is_listed: bool
    """Whether the project folder has it."""
    done_at: datetime | None = None
    """What was planned until then has come."""
    since_at: datetime | None = None
    """What came before is none of its business: then it was new, resumed, or of other clocks."""

    @property
    def cursor(self) -> datetime | None:
        """Until when nothing that came is owed; None: nobody has said."""
        return max((one for one in (self.done_at, self.since_at) if one), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringRow:
    """One time of a schedule that came."""

    schedule: str
    flow: str
    due_at: datetime
    run_id: str
    state: FiringState
    reason: str
    actor: str
    request: Json
    looks: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFiring:
    """What a claim decides about one time."""

    due_at: datetime
    run_id: str
    state: FiringState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is decided about a schedule that is due."""

    firings: tuple[NewFiring, ...]
    next_due_at: datetime | None
    actor: str
    request: Json
    done_at: datetime | None = None
    """Until when all that was planned has come now; None: as before."""
    passes_over: bool = True
    """Whether its run makes older firings needless that have none yet."""


Decide = Callable[[ScheduleRow, bool], Claim | None]
"""Told the schedule and whether a firing of it is open; None leaves it for a later look."""
FindNext = Callable[[Json, datetime], datetime | None]
"""When a definition is due next after an instant."""


class ScheduleStore(Protocol):
    """Schedules of one organisation, and their firings."""

    def save_schedules(self, definitions: Mapping[str, Json], find_next: FindNext) -> list[str]:
        """These are the schedules; what the folder has no more is due no more.

        A definition that is as before keeps its next time, one that changed gets a new one; a
        paused one stays paused. One that is new, was switched off or gets another kind of time
        follows what becomes of periods from now on.

        Args:
            definitions: Settings by name.
            find_next: When a definition is due next; None when it is switched off.

        Returns:
            Names of those that were new, changed or gone.
        """

    def save_recomputed(self, flows: Collection[str], find_next: FindNext) -> int:
        """Schedules of these flows are due when that says now; returns how many have changed.

        What is due already stays due, and what is paused or gone stays so.
        """

    def load_schedules(self) -> list[ScheduleRow]:
        """All there ever were, by name."""

    def find_schedule(self, name: str) -> ScheduleRow | None:
        """One of them, if there is."""

    def save_pause(self, name: str, *, flow: str, actor: str) -> bool:
        """It is due no more until somebody lets it go on; False when it was paused already."""

    def save_resumption(self, name: str, find_next: FindNext) -> bool:
        """It is due again from now on; False when it was not paused."""

    def claim_due(self, flows: Collection[str], decide: Decide) -> list[FiringRow]:
        """Schedules of these flows that are due are decided on, each by one process only.

        A time that has a firing gets no second one, whatever the clock says. A firing that runs
        passes the older ones of its schedule over that have no run yet.

        Returns:
            The new firings that are to be started, by this process first.
        """

    def claim_open(self) -> list[FiringRow]:
        """Open firings that nobody has looked at for some seconds; they are this process's now."""

    def save_begun(self, firing: FiringRow) -> bool:
        """Its run is recorded in the same transaction; False when it has been passed over."""

    def save_waiting(
        self, firing: FiringRow, reason: str, *, for_ever: bool = False
    ) -> FiringState:
        """It is looked at again later, unless it was often enough; returns how it stands.

        Args:
            firing: Which has no run yet.
            reason: What it waits for.
            for_ever: However often it was looked at.
        """

    def save_ended(self, firing: FiringRow, state: FiringState, reason: str = "") -> None:
        """An open firing has its end; one that has is left alone."""

    def record_firing(self, firing: FiringRow) -> None:
        """A firing that somebody asked for is in the history, with its end."""

    def load_firings(
        self, name: str, *, limit: int = 20, before: datetime | None = None
    ) -> list[FiringRow]:
        """The newest first, of those before an instant if one is given."""

    def load_last_firings(self, names: Collection[str]) -> dict[str, FiringRow]:
        """The newest of each of these that has one."""

    def load_run_states(self, run_ids: Collection[str]) -> dict[str, RunState]:
        """How the runs of firings stand, of those that are there."""


class RunQueue(Protocol):
    """Where a run goes that nobody here waits for."""

    def queue(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The run is queued under its id; the same id twice is one run."""
