"""Scheduling half of a house: what is due is started, and people see and steer it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.ports import Clock, Json, Records, RunRow
from ml_connector.ports.schedules import FiringRow, FiringState, ScheduleRow
from ml_connector.settings import Flow, Project, Schedule
from ml_connector.wiring.near import list_names

if TYPE_CHECKING:
    from ml_connector.domain.schedules import Due
    from ml_connector.flows.bench import Bench
    from ml_connector.flows.scheduling import FlowPlace, ScheduleDesk
    from ml_connector.ports.schedules import RunQueue

logger = logging.getLogger(__name__)

NEXT_SHOWN = 10
"""Coming firings of a schedule that are shown."""
LAST_SHOWN = 20
"""Past ones."""
Tell = Callable[[str], None]


def say_nothing(_text: str) -> None:
    """Nobody hears of schedules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A schedule as the project folder has it, and what the records know of it."""

    schedule: Schedule
    row: ScheduleRow | None
    next_due: datetime | None
    """None: paused, switched off, or it never comes."""
    last: FiringRow | None
    last_state: str
    """What became of the last firing: of its run, or of itself when it has none."""


class Schedules:
    """The scheduling half of a house; the house itself supplies records, flows and runs."""

    project: Project
    clock: Clock
    actor: str
    _stop: Event

    if TYPE_CHECKING:

        @property
        def records(self) -> Records:
            """All stores."""

        def flow(self, name: str) -> Flow:
            """A flow's settings."""

        def bench(self, flow: Flow) -> Bench:
            """The bench of any flow."""

        def new_run_id(self) -> str:
            """An id for a run."""

        def run_as(self, run_id: str, flow_name: str, request: Json) -> RunRow:
            """A run under an id of the caller's, executed to its end."""

    def schedule(self, name: str) -> Schedule:
        """A schedule's settings.

        Raises:
            UsageError: No such schedule; names those there are.
        """
        found = self.project.schedules.get(name)
        if found is None:
            known = list_names(name, self.project.schedules)
            raise UsageError(
                f"There is no schedule {name!r}; there are: {known}",
                written="Nothing was changed.",
                next_step="Look into the folder schedules/ of the project.",
                schedule=name,
            )
        return found

    def list_schedules(self) -> list[ScheduleView]:
        """Every schedule of the folder, by name."""
        rows = {row.name: row for row in self.records.schedules.load_schedules()}
        last = self.records.schedules.load_last_firings(self.project.schedules)
        return [
            self._view(its, rows.get(name), last.get(name))
            for name, its in sorted(self.project.schedules.items())
        ]

    def view_schedule(self, name: str) -> ScheduleView:
        """One of them.

        Raises:
            UsageError: No such schedule.
        """
        schedule, store = self.schedule(name), self.records.schedules
        last = next(iter(store.load_firings(name, limit=1)), None)
        return self._view(schedule, store.find_schedule(name), last)

    def list_coming(self, name: str) -> "list[Due]":
        """The next firings of a schedule, as if it were neither paused nor switched off."""
        from itertools import islice  # noqa: PLC0415 - as below.

        from ml_connector.domain.schedules import walk_due  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.scheduling import make_calendar  # noqa: PLC0415 - as above.

        calendar = make_calendar(self.schedule(name))
        return list(islice(walk_due(calendar, self.clock.now()), NEXT_SHOWN))

    def list_past(self, name: str) -> list[tuple[FiringRow, str]]:
        """The last firings of a schedule and what became of each, newest first."""
        rows = self.records.schedules.load_firings(name, limit=LAST_SHOWN)
        return [(row, self._tell_outcome(row)) for row in rows]

    def pause_schedule(self, name: str) -> bool:
        """It is due no more until somebody lets it go on; False when it was paused already."""
        flow = self.schedule(name).flow
        with self.records.transactions.begin(f"the pause of schedule {name}"):
            changed = self.records.schedules.save_pause(name, flow=flow, actor=self.actor)
            if changed:
                self.records.audit.record("schedule.paused", subject=name, actor=self.actor)
        return changed

    def resume_schedule(self, name: str) -> bool:
        """It is due again from now on; False when it was not paused."""
        from ml_connector.flows.scheduling import find_next_due  # noqa: PLC0415 - start-up time.

        self.schedule(name)
        with self.records.transactions.begin(f"the resumption of schedule {name}"):
            changed = self.records.schedules.save_resumption(name, find_next_due)
            if changed:
                self.records.audit.record("schedule.resumed", subject=name, actor=self.actor)
        return changed

    def trigger_schedule(self, name: str) -> RunRow:
        """A run with the schedule's request, now, executed to its end.

        Raises:
            UsageError: No such schedule.
            ConnectorError: What stopped the run.
        """
        from ml_connector.flows.scheduling import make_request  # noqa: PLC0415 - start-up time.

        schedule, at = self.schedule(name), self.clock.now()
        request, run_id = make_request(schedule), self.new_run_id()
        self.records.audit.record(
            "schedule.triggered", subject=name, actor=self.actor, run_id=run_id, request=request
        )
        try:
            return self.run_as(run_id, schedule.flow, request)
        finally:
            self._record_asked(schedule, at, run_id)

    def _record_asked(self, schedule: Schedule, at: datetime, run_id: str) -> None:
        """A run somebody asked for is among the firings, if it came to be."""
        try:
            run = self.records.runs.load_run(run_id)
        except UsageError:
            return
        self.records.schedules.record_firing(
            FiringRow(
                schedule=schedule.name, flow=schedule.flow, due_at=at, run_id=run_id,
                state=FiringState.STARTED, reason=f"asked for by {run.actor}", actor=run.actor,
                request=run.request, looks=0, ended_at=None,
            )
        )  # fmt: skip

    def _view(
        self, schedule: Schedule, row: ScheduleRow | None, last: FiringRow | None
    ) -> ScheduleView:
        return ScheduleView(
            schedule=schedule,
            row=row,
            next_due=self._find_next(schedule, row),
            last=last,
            last_state=self._tell_outcome(last) if last else "",
        )

    def _find_next(self, schedule: Schedule, row: ScheduleRow | None) -> datetime | None:
        from ml_connector.flows.scheduling import (  # noqa: PLC0415 - start-up time.
            find_next_due,
            render_definition,
        )

        definition = render_definition(schedule)
        if row is not None and row.paused_at is not None:
            return None
        if row is not None and row.is_listed and row.definition == definition:
            return row.next_due_at
        return find_next_due(definition, self.clock.now())

    def _tell_outcome(self, firing: FiringRow) -> str:
        if firing.state is not FiringState.STARTED:
            return str(firing.state)
        try:
            return str(self.records.runs.load_run(firing.run_id).state)
        except UsageError:
            return "run unknown"

    def _make_look(self, queue: "RunQueue", tell: Tell) -> "Look":
        """What looks for due schedules once a second; those of the folder are taken in now."""
        from ml_connector.flows.scheduling import (  # noqa: PLC0415 - start-up time.
            ScheduleDesk,
            take_in,
        )

        changed = take_in(self.records, self.project.schedules, actor=self.actor)
        for name in changed:
            tell(f"Schedule {name} is new, changed or gone")
        desk = ScheduleDesk(
            records=self.records,
            clock=self.clock,
            queue=queue,
            organisation=self.project.settings.organisation,
            flows=frozenset(self.project.flows),
            find_place=self._find_place,
        )
        return Look(desk, tell)

    def _find_place(self, flow_name: str) -> "FlowPlace":
        from ml_connector.flows.scheduling import FlowPlace  # noqa: PLC0415 - start-up time.

        flow = self.flow(flow_name)
        return FlowPlace(kind=flow.kind, queue_key=self.bench(flow).target.model_id)


class Look:
    """One look at what is due, again and again; what fails is told once and tried again."""

    def __init__(self, desk: "ScheduleDesk", tell: Tell) -> None:
        self._desk = desk
        self._once = TellOnce(tell)

    def __call__(self) -> None:
        """What is due is started."""
        from ml_connector.flows.scheduling import look  # noqa: PLC0415 - start-up time.

        try:
            firings = look(self._desk)
        except Exception as error:  # noqa: BLE001 - runs that execute here must not end by it.
            self._once.tell("", f"Schedules cannot be looked at: {tell_error(error)}")
            return
        self._once.forget("")
        for firing in firings:
            self._once.tell(firing.schedule, " ".join(_tell_firing(firing)))


def tell_error(error: Exception) -> str:
    """What is wrong, in a line; the log has the rest of what nobody expected."""
    if isinstance(error, ConnectorError):
        return error.refused
    logger.error("serving.unexpected_error", exc_info=error)
    return f"{type(error).__name__}: {error}"


class TellOnce:
    """Says what changed: a firing that waits says so once, not at each look."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: dict[str, str] = {}

    def tell(self, subject: str, text: str) -> None:
        """It is told, unless it is what was told of the subject before."""
        if self._told.get(subject) != text:
            self._tell(text)
        self._told[subject] = text

    def forget(self, subject: str) -> None:
        """Whatever comes next of the subject is told."""
        self._told.pop(subject, None)


def _tell_firing(firing: FiringRow) -> Iterator[str]:
    yield f"Schedule {firing.schedule} of {firing.due_at:%Y-%m-%d %H:%M} UTC:"
    if firing.state is FiringState.STARTED:
        yield f"run {firing.run_id} of flow {firing.flow}"
    else:
        yield f"{firing.state}: {firing.reason}" if firing.reason else str(firing.state)
