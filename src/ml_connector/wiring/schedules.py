"""Scheduling half of a house: what is due is started, and people see and steer it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from ml_connector.errors import UsageError
from ml_connector.ports import Json, RunRow, RunState
from ml_connector.ports.schedules import FiringRow, FiringState, ScheduleRow
from ml_connector.settings import Schedule
from ml_connector.wiring.folder import Folder
from ml_connector.wiring.following import Following
from ml_connector.wiring.near import list_names
from ml_connector.wiring.telling import Tell, TellOnce, tell_error

if TYPE_CHECKING:
    from ml_connector.domain.schedules import Due
    from ml_connector.domain.windows import Blackout
    from ml_connector.flows.answers.schedule_listings import ScheduleView
    from ml_connector.flows.scheduling import FlowPlace, ScheduleDesk
    from ml_connector.flows.timetables import Almanac, Filed
    from ml_connector.ports.closing import PeriodEvent
    from ml_connector.ports.schedules import RunQueue

NEXT_SHOWN = 10
"""Coming firings of a schedule that are shown, and"""
NEXT_LOOKED = 40
"""times that are looked at for them, those that windows drop included."""
LAST_SHOWN = 20
"""Past ones."""


class Schedules(Following):
    """The scheduling half of a house; the house itself supplies records, flows and runs."""

    folder_problem: str = ""
    """What is wrong with the project folder since it was read, if it was changed."""

    if TYPE_CHECKING:

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

    def list_schedules(self) -> "list[ScheduleView]":
        """Every schedule of the folder, by name."""
        store, almanac = self.records.schedules, self._open_almanac()
        rows = {row.name: row for row in store.load_schedules()}
        last = store.load_last_firings(self.project.schedules)
        states = store.load_run_states([one.run_id for one in last.values()])
        return [
            self._view(its, rows.get(name), last.get(name), states=states, almanac=almanac)
            for name, its in sorted(self.project.schedules.items())
        ]

    def view_schedule(self, name: str) -> "ScheduleView":
        """One of them.

        Raises:
            UsageError: No such schedule.
        """
        schedule, store = self.schedule(name), self.records.schedules
        last = next(iter(store.load_firings(name, limit=1)), None)
        states = store.load_run_states([last.run_id] if last else [])
        row, almanac = store.find_schedule(name), self._open_almanac()
        return self._view(schedule, row, last, states=states, almanac=almanac)

    def list_coming(self, name: str) -> "list[Due]":
        """The next firings of a schedule, as if it were neither paused nor switched off.

        Times that a window drops stand among them. Of a schedule that follows periods: what has
        become of them and is still to be run for.
        """
        from ml_connector.domain.schedules import Due, walk_due  # noqa: PLC0415 - start-up time.

        filed, almanac = self._filed(name), self._open_almanac()
        row = self.records.schedules.find_schedule(name)
        if filed.schedule.when.on is not None:
            waiting = almanac.list_events(filed, row) if row is not None else []
            return [Due(at=one.at, planned=one.at) for one in waiting[:NEXT_SHOWN]]
        calendar = almanac.make_calendar(filed, done=row.done_at if row is not None else None)
        return list(_take_runs(walk_due(calendar, self.clock.now())))

    def list_waiting(self, name: str) -> "list[PeriodEvent]":
        """What has become of periods that a schedule has still to run for, oldest first."""
        filed, row = self._filed(name), self.records.schedules.find_schedule(name)
        if filed.schedule.when.on is None or row is None:
            return []
        return self._open_almanac().list_events(filed, row)

    def find_hold(self, name: str) -> "Blackout | None":
        """What lets nothing of a schedule begin just now, if anything does.

        A day off is none of it: what was due before may begin on one.
        """
        from ml_connector.domain.windows import find_closed  # noqa: PLC0415 - start-up time.

        shut = self._open_almanac().make_shut(self._filed(name))
        return find_closed(replace(shut, find_off=None), self.clock.now())

    def list_past(
        self, name: str, *, limit: int = LAST_SHOWN, before: datetime | None = None
    ) -> list[tuple[FiringRow, str]]:
        """The last firings of a schedule and what became of each, newest first."""
        rows = self.records.schedules.load_firings(name, limit=limit, before=before)
        states = self.records.schedules.load_run_states([row.run_id for row in rows])
        return [(row, _tell_outcome(row, states)) for row in rows]

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
        self.schedule(name)
        with self.records.transactions.begin(f"the resumption of schedule {name}"):
            find_next = self._open_almanac().find_next_due
            changed = self.records.schedules.save_resumption(name, find_next)
            if changed:
                self.records.audit.record("schedule.resumed", subject=name, actor=self.actor)
        return changed

    def enqueue_schedule(self, name: str, *, key: str = "") -> RunRow:
        """Its request is recorded as a run and handed to whoever executes runs, once for each key.

        A window holds nothing back that somebody asks for.

        Raises:
            UsageError: No such schedule.
            BusyError: The flow has an unfinished run; names it.
        """
        from ml_connector.flows.scheduling import make_request  # noqa: PLC0415 - start-up time.

        schedule, at = self.schedule(name), self.clock.now()
        run = self.enqueue_run(schedule.flow, make_request(schedule), key=key)
        if run.created_at < at:
            return run  # The form was sent before, and this is its run.
        with self.records.transactions.begin(f"the firing {run.run_id}"):
            self.records.audit.record(
                "schedule.triggered", subject=name, actor=self.actor, run_id=run.run_id,
                request=run.request,
            )  # fmt: skip
            self._record_asked(schedule, at, run.run_id)
        return run

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
        self,
        schedule: Schedule,
        row: ScheduleRow | None,
        last: FiringRow | None,
        *,
        states: Mapping[str, RunState],
        almanac: "Almanac",
    ) -> "ScheduleView":
        from ml_connector.flows.answers.schedule_listings import (  # noqa: PLC0415 - start-up time.
            ScheduleView,
        )

        return ScheduleView(
            schedule=schedule,
            row=row,
            next_due=self._find_next(schedule, row, almanac),
            last=last,
            last_state=_tell_outcome(last, states) if last else "",
        )

    def _find_next(
        self, schedule: Schedule, row: ScheduleRow | None, almanac: "Almanac"
    ) -> datetime | None:
        from ml_connector.flows.timetables import render_definition  # noqa: PLC0415 - start-up.

        calendar = self.project.calendars.get(schedule.calendar or "")
        definition = render_definition(schedule, calendar)
        if row is not None and row.paused_at is not None:
            return None
        if row is not None and row.is_listed and row.definition == definition:
            return row.next_due_at
        return almanac.find_next_due(definition, self.clock.now())

    def _filed(self, name: str) -> "Filed":
        from ml_connector.flows.timetables import Filed  # noqa: PLC0415 - start-up time.

        schedule = self.schedule(name)
        calendar = self.project.calendars.get(schedule.calendar or "")
        return Filed(schedule=schedule, calendar=calendar)

    def _open_almanac(self) -> "Almanac":
        from ml_connector.flows.scheduling import list_facts  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.timetables import Almanac  # noqa: PLC0415 - as above.

        return Almanac(self.records, list_facts(self.project), self.clock)

    def _make_look(self, queue: "RunQueue", tell: Tell) -> "Look":
        """What looks for due schedules once a second; those of the folder are taken in now."""
        from ml_connector.flows.scheduling import (  # noqa: PLC0415 - start-up time.
            ScheduleDesk,
            list_facts,
        )

        self._take_in(tell)
        desk = ScheduleDesk(
            records=self.records,
            clock=self.clock,
            queue=queue,
            organisation=self.project.settings.organisation,
            flows=list_facts(self.project),
            find_place=self._find_place,
        )
        return Look(desk, tell, refresh=self._make_refresh(tell))

    def _take_in(self, tell: Tell) -> None:
        from ml_connector.flows.scheduling import take_in  # noqa: PLC0415 - start-up time.

        for name in take_in(self.records, self.project, clock=self.clock, actor=self.actor):
            tell(f"Schedule {name} is new, changed or gone")

    def _make_refresh(self, tell: Tell) -> Callable[[], None]:
        """What notices that files of the folder have changed, and takes their schedules in."""
        folder, once, is_owed = Folder(self.project), TellOnce(tell), False

        def refresh() -> None:
            nonlocal is_owed
            read = folder.find_changed()
            self.folder_problem = folder.problem
            if folder.problem:
                once.tell("", f"The old schedules go on: {folder.problem}")
            if read is not None:
                once.forget("")
                for name in folder.list_unknown_flows(read):
                    once.tell(name, f"Schedule {name} waits for a new start: its flow is new")
                self.project = replace(
                    self.project, schedules=read.schedules, calendars=read.calendars,
                    maintenance=read.maintenance,
                )  # fmt: skip
                is_owed = True
            if is_owed:
                # Owed until it is done: the files do not change again because a database was away.
                self._take_in(tell)
                is_owed = False

        return refresh

    def _find_place(self, flow_name: str) -> "FlowPlace":
        from ml_connector.flows.scheduling import FlowPlace  # noqa: PLC0415 - start-up time.

        flow = self.flow(flow_name)
        return FlowPlace(kind=flow.kind, queue_key=self.bench(flow).target.model_id)


class Look:
    """One look at what is due, again and again; what fails is told once and tried again."""

    def __init__(
        self, desk: "ScheduleDesk", tell: Tell, *, refresh: Callable[[], None] = lambda: None
    ) -> None:
        self._desk = desk
        self._once = TellOnce(tell)
        self._refresh = refresh

    def __call__(self) -> None:
        """What is due is started."""
        from ml_connector.flows.scheduling import look  # noqa: PLC0415 - start-up time.

        try:
            self._refresh()
            firings = look(self._desk)
        except Exception as error:  # noqa: BLE001 - runs that execute here must not end by it.
            self._once.tell("", f"Schedules cannot be looked at: {tell_error(error)}")
            return
        self._once.forget("")
        for firing in firings:
            self._once.tell(firing.schedule, " ".join(_tell_firing(firing)))


def _tell_outcome(firing: FiringRow, states: Mapping[str, RunState]) -> str:
    """What became of its run, or of itself where it has none."""
    if firing.state is not FiringState.STARTED:
        return str(firing.state)
    return str(states.get(firing.run_id, "run unknown"))


def _take_runs(coming: "Iterator[Due]") -> "Iterator[Due]":
    """The first times until so many run, dropped ones included."""
    runs = 0
    for one in islice(coming, NEXT_LOOKED):
        runs += one.is_run
        yield one
        if runs == NEXT_SHOWN:
            return


def _tell_firing(firing: FiringRow) -> Iterator[str]:
    yield f"Schedule {firing.schedule} of {firing.due_at:%Y-%m-%d %H:%M} UTC:"
    if firing.state is FiringState.STARTED:
        yield f"run {firing.run_id} of flow {firing.flow}"
    else:
        yield f"{firing.state}: {firing.reason}" if firing.reason else str(firing.state)
