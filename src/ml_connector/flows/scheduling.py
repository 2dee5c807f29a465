"""Schedules: what is due is claimed by one process, and every time that came has its end.

Each process that executes runs looks once a second. A claim stores the firing with the id of its
run, which follows from schedule and instant; whoever starts it, and however often, it is one run.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from ml_connector.domain.catch_up import (
    CatchUp,
    Claimed,
    Fate,
    Ruling,
    name_window,
    rule_on_due,
    rule_on_events,
)
from ml_connector.domain.cron_words import tell_ordinal
from ml_connector.domain.schedules import Calendar, find_next
from ml_connector.domain.windows import find_closed
from ml_connector.errors import (
    BusyError,
    ConnectorError,
    DatabaseAwayError,
    RunInterruptedError,
    SystemUnavailableError,
    UsageError,
)
from ml_connector.flows.timetables import (
    Almanac,
    Filed,
    FlowFacts,
    find_facts,
    render_definition,
)
from ml_connector.ports import Clock, Json, Records, RunState
from ml_connector.ports.closing import MaintenanceRow, PeriodEvent
from ml_connector.ports.schedules import (
    Claim,
    FiringRow,
    FiringState,
    NewFiring,
    RunQueue,
    ScheduleRow,
)
from ml_connector.settings import Project, Schedule

ID_CHARS = 12
"""Of the hash in a run's id; many organisations may share the engine's database."""
ACTUALS = "actuals"
"""The kind of flow whose runs are about certain periods."""
_STATES = {
    Fate.RUN: FiringState.CLAIMED,
    Fate.MISSED: FiringState.MISSED,
    Fate.SKIPPED: FiringState.SKIPPED,
}


class FlowPlace(NamedTuple):
    """What starting a run of a flow needs to know of it."""

    kind: str
    queue_key: str


FindPlace = Callable[[str], FlowPlace]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDesk:
    """What looking after schedules needs."""

    records: Records
    clock: Clock
    queue: RunQueue
    organisation: str
    flows: Mapping[str, FlowFacts]
    """Flows this process can execute; schedules of others are left alone."""
    find_place: FindPlace

    def open_almanac(self) -> Almanac:
        """What schedules follow, as the records have it now."""
        return Almanac(self.records, self.flows, self.clock)


def list_facts(project: Project) -> dict[str, FlowFacts]:
    """What schedules need to know of each flow."""
    return {name: find_facts(flow) for name, flow in project.flows.items()}


def take_in(records: Records, project: Project, *, clock: Clock, actor: str) -> list[str]:
    """Schedules and maintenance are those of the project folder.

    Returns:
        Which schedules were new, changed or gone.
    """
    definitions = {
        name: render_definition(one, project.calendars.get(one.calendar or ""))
        for name, one in project.schedules.items()
    }
    facts = list_facts(project)
    windows = list(_list_filed(project, clock, actor))
    with records.transactions.begin("the schedules of the project folder"):
        has_moved = records.closing.save_filed_maintenance(windows)
        almanac = Almanac(records, facts, clock)
        changed = records.schedules.save_schedules(definitions, almanac.find_next_due)
        for name in changed:
            records.audit.record(
                "schedule.changed", subject=name, actor=actor,
                definition=definitions.get(name, {}),
            )  # fmt: skip
        if has_moved:
            records.audit.record(
                "maintenance.changed", subject="maintenance/", actor=actor,
                windows=[f"{one.connection} {one.begins} to {one.ends}" for one in windows],
            )  # fmt: skip
            recompute(records, facts, clock)
    return changed


def recompute(records: Records, facts: Mapping[str, FlowFacts], clock: Clock) -> int:
    """Schedules are due by what they follow as it is now; returns how many have moved."""
    almanac = Almanac(records, facts, clock)

    def find_next(definition: Json, after: datetime) -> datetime | None:
        try:
            return almanac.find_next_due(definition, after)
        except ValueError:
            return almanac.find_stored(definition)  # Of a newer release, whose processes know.

    return records.schedules.save_recomputed(list(facts), find_next)


def look(desk: ScheduleDesk) -> list[FiringRow]:
    """What is due is claimed and started; firings others left open go on.

    Returns:
        The firings that were touched, as they stand now.
    """
    schedules = desk.records.schedules
    almanac = desk.open_almanac()
    claimed = schedules.claim_due(list(desk.flows), partial(_decide, desk, almanac))
    return [_go_on(desk, firing, almanac) for firing in [*claimed, *schedules.claim_open()]]


def _list_filed(project: Project, clock: Clock, actor: str) -> Iterable[MaintenanceRow]:
    for name, one in project.maintenance.items():
        for number, window in enumerate(one.windows, start=1):
            yield MaintenanceRow(
                key=f"{name}-{number}", connection=one.connection, begins=window.begins,
                ends=window.ends, zone=one.zone, reason=window.reason, is_filed=True,
                added_by=actor, added_at=clock.now(),
            )  # fmt: skip


def make_run_id(organisation: str, schedule: str, due: datetime) -> str:
    """The id of the run of that instant; it sorts by time as every run's does."""
    text = f"{organisation}\n{schedule}\n{due.astimezone(UTC).isoformat()}"
    return f"{due:%y%m%d-%H%M%S}-{hashlib.sha256(text.encode()).hexdigest()[:ID_CHARS]}"


def make_request(
    schedule: Schedule, *, event: PeriodEvent | None = None, facts: FlowFacts | None = None
) -> Json:
    """What is asked of the flow; where it loads periods, for the one that was closed or opened."""
    asked = {name: value for name, value in schedule.request.model_dump().items() if value}
    loads = facts is not None and facts.kind == ACTUALS
    if event is None or not loads:
        return asked
    return asked | {"periods": [event.period.name], "ledger": event.ledger}


def tell_event(event: PeriodEvent) -> str:
    """What became of a period, in words."""
    again = f" for the {tell_ordinal(event.number)} time" if event.number > 1 else ""
    done = event.kind.value.removeprefix("period-")
    return f"{event.period.name} of {event.ledger} was {done}{again}"


def name_actor(schedule: str) -> str:
    """Who acts when a schedule does."""
    return f"schedule {schedule}"


def _decide(
    desk: ScheduleDesk,
    almanac: Almanac,
    row: ScheduleRow,
    has_open: bool,  # noqa: FBT001 - the port's callback.
) -> Claim | None:
    filed = almanac.parse_row(row)
    if filed is None:
        return None  # Of a newer release, which knows further kinds of time; its processes decide.
    how, follows = CatchUp(filed.schedule.catch_up), filed.schedule.when.on is not None
    if has_open and (follows or how is CatchUp.ALL):
        return None  # One after the other: the next is claimed when this one has begun.
    if follows:
        return _decide_event(desk, almanac, row, filed)
    calendar = almanac.make_calendar(filed, done=row.done_at)
    claimed = rule_on_due(calendar, _find_since(calendar, row), desk.clock.now(), how)
    return _make_claim(desk, row, claimed, request=make_request(filed.schedule))


def _find_since(calendar: Calendar, row: ScheduleRow) -> datetime:
    """The first time that is owed; one that was learned of late is earlier than what was known."""
    assert row.next_due_at is not None
    first = find_next(calendar, row.cursor) if row.cursor is not None else None
    return min(row.next_due_at, first.at) if first is not None else row.next_due_at


def _decide_event(
    desk: ScheduleDesk, almanac: Almanac, row: ScheduleRow, filed: Filed
) -> Claim | None:
    """The oldest event that is not done runs for its period; none is passed over."""
    events = almanac.list_events(filed, row)
    claimed = rule_on_events(almanac.make_shut(filed), [one.at for one in events], desk.clock.now())
    if not events:
        return _make_claim(desk, row, claimed, request={})
    request = make_request(filed.schedule, event=events[0], facts=desk.flows[row.flow])
    told = tell_event(events[0])
    rulings = tuple(
        replace(one, reason=f"{told}; {one.reason}" if one.reason else told)
        for one in claimed.rulings
    )
    claim = _make_claim(desk, row, replace(claimed, rulings=rulings), request=request)
    return replace(claim, passes_over=False)


def _make_claim(desk: ScheduleDesk, row: ScheduleRow, claimed: Claimed, *, request: Json) -> Claim:
    return Claim(
        firings=tuple(_make_firing(desk, row.name, one) for one in claimed.rulings),
        next_due_at=claimed.next_due,
        actor=name_actor(row.name),
        request=request,
        done_at=claimed.done,
    )


def _make_firing(desk: ScheduleDesk, name: str, ruling: Ruling) -> NewFiring:
    at = ruling.due.at
    return NewFiring(
        due_at=at,
        run_id=make_run_id(desk.organisation, name, at) if ruling.fate is Fate.RUN else "",
        state=_STATES[ruling.fate],
        reason=ruling.reason,
    )


def _go_on(desk: ScheduleDesk, firing: FiringRow, almanac: Almanac) -> FiringRow:
    """The firing's run is recorded and queued, or the reason why not is kept."""
    hold = _find_hold(desk, firing, almanac)
    if hold.reason:
        state = desk.records.schedules.save_waiting(firing, hold.reason, for_ever=True)
        return _standing(firing, state, hold.reason)
    try:
        place = desk.find_place(firing.flow)
        if not _record_run(desk, firing, place):
            return _end(desk, firing, FiringState.PASSED_OVER)
        desk.queue.queue(
            flow=firing.flow, run_id=firing.run_id, request=firing.request,
            queue_key=place.queue_key,
        )  # fmt: skip
    except BusyError as busy:
        state = desk.records.schedules.save_waiting(
            firing, busy.refused, for_ever=hold.follows_books
        )
        return _standing(firing, state, busy.refused)
    except (DatabaseAwayError, SystemUnavailableError, RunInterruptedError):
        raise  # Nothing is wrong with the firing: it stays open, for whoever looks next.
    except ConnectorError as error:
        if _has_run(desk.records, firing):
            raise  # It is queued by somebody who knows the flow as it was recorded.
        return _end(desk, firing, FiringState.REFUSED, error.refused)
    return _end(desk, firing, FiringState.STARTED, firing.reason)


class _Hold(NamedTuple):
    """What keeps a firing from beginning."""

    reason: str = ""
    """A window it would begin in; empty: none."""
    follows_books: bool = False
    """Whether it waits however long it takes: a closing comes once."""


def _find_hold(desk: ScheduleDesk, firing: FiringRow, almanac: Almanac) -> _Hold:
    """Nothing begins in a window, however long it waited before; but for what people ask for."""
    if firing.state is FiringState.RECORDED or firing.actor != name_actor(firing.schedule):
        return _Hold()
    filed = almanac.find_filed(firing.schedule)
    if filed is None:
        return _Hold()  # A newer release has changed it since it was claimed.
    # What was due on a working day may begin past midnight.
    shut = replace(almanac.make_shut(filed), find_off=None)
    held = find_closed(shut, desk.clock.now())
    until = f" lets nothing begin until {held.ends:%Y-%m-%d %H:%M} UTC" if held else ""
    return _Hold(
        reason=f"{name_window(held)}{until}" if held else "",
        follows_books=filed.schedule.when.on is not None,
    )


def _record_run(desk: ScheduleDesk, firing: FiringRow, place: FlowPlace) -> bool:
    """Whether the firing has its run in the history, now or from an earlier look.

    Raises:
        BusyError: The flow has an unfinished run.
    """
    if firing.state is FiringState.RECORDED:
        return True
    records = desk.records
    with records.transactions.begin(f"the run {firing.run_id}"):
        if not records.schedules.save_begun(firing):
            return _has_run(records, firing)
        records.runs.create_run(
            run_id=firing.run_id, flow=firing.flow, kind=place.kind,
            actor=firing.actor, request=firing.request,
        )  # fmt: skip
        records.audit.record(
            "run.started", subject=firing.flow, actor=firing.actor, run_id=firing.run_id,
            request=firing.request, schedule=firing.schedule, due_at=firing.due_at,
        )  # fmt: skip
    return True


def _has_run(records: Records, firing: FiringRow) -> bool:
    """Whether another process was quicker with this very firing."""
    try:
        return records.runs.load_run(firing.run_id).state in RunState
    except UsageError:
        return False


def _end(desk: ScheduleDesk, firing: FiringRow, state: FiringState, reason: str = "") -> FiringRow:
    desk.records.schedules.save_ended(firing, state, reason)
    return _standing(firing, state, reason)


def _standing(firing: FiringRow, state: FiringState, reason: str) -> FiringRow:
    return replace(firing, state=state, reason=reason)
