"""Schedules: what is due is claimed by one process, and every time that came has its end.

Each process that executes runs looks once a second. A claim stores the firing with the id of its
run, which follows from schedule and instant; whoever starts it, and however often, it is one run.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ml_connector.domain.catch_up import CatchUp, Fate, Ruling, rule_on_due
from ml_connector.domain.schedules import Calendar, Window, find_next
from ml_connector.errors import (
    BusyError,
    ConnectorError,
    DatabaseAwayError,
    RunInterruptedError,
    SystemUnavailableError,
    UsageError,
)
from ml_connector.ports import Clock, Json, Records, RunState
from ml_connector.ports.schedules import (
    Claim,
    FiringRow,
    FiringState,
    NewFiring,
    RunQueue,
    ScheduleRow,
)
from ml_connector.settings.crons import names_every_hour, walk_cron
from ml_connector.settings.schedules import Blackout, Schedule, parse_end

ID_CHARS = 12
"""Of the hash in a run's id; many organisations may share the engine's database."""
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
    flows: frozenset[str]
    """Flows this process can execute; schedules of others are left alone."""
    find_place: FindPlace


def take_in(records: Records, schedules: Mapping[str, Schedule], *, actor: str) -> list[str]:
    """The schedules are those of the project folder; returns which were new, changed or gone."""
    definitions = {name: render_definition(its) for name, its in schedules.items()}
    with records.transactions.begin("the schedules of the project folder"):
        changed = records.schedules.save_schedules(definitions, find_next_due)
        for name in changed:
            records.audit.record(
                "schedule.changed", subject=name, actor=actor,
                definition=definitions.get(name, {}),
            )  # fmt: skip
    return changed


def look(desk: ScheduleDesk) -> list[FiringRow]:
    """What is due is claimed and started; firings others left open go on.

    Returns:
        The firings that were touched, as they stand now.
    """
    schedules = desk.records.schedules
    claimed = schedules.claim_due(desk.flows, partial(_decide, desk))
    return [_go_on(desk, firing) for firing in [*claimed, *schedules.claim_open()]]


def render_definition(schedule: Schedule) -> Json:
    """The settings as the records keep them."""
    return schedule.model_dump(mode="json", by_alias=True)


def find_next_due(definition: Json, after: datetime) -> datetime | None:
    """When a stored definition is due next; None when it is switched off or never comes."""
    schedule = Schedule.model_validate(definition)
    found = find_next(make_calendar(schedule), after) if schedule.enabled else None
    return found.at if found else None


def make_calendar(schedule: Schedule) -> Calendar:
    """When the schedule is due."""
    cron = schedule.when.cron
    assert cron is not None, "the settings know no other kind"

    def walk(after: datetime) -> Iterator[datetime]:
        return walk_cron(cron, after=after)

    return Calendar(
        walls=walk,
        zone=ZoneInfo(schedule.zone),
        is_interval=names_every_hour(cron),
        windows=tuple(_make_window(one) for one in schedule.blackouts),
        skips=schedule.in_blackout == "skip",
    )


def make_run_id(organisation: str, schedule: str, due: datetime) -> str:
    """The id of the run of that instant; it sorts by time as every run's does."""
    text = f"{organisation}\n{schedule}\n{due.astimezone(UTC).isoformat()}"
    return f"{due:%y%m%d-%H%M%S}-{hashlib.sha256(text.encode()).hexdigest()[:ID_CHARS]}"


def make_request(schedule: Schedule) -> Json:
    """What is asked of the flow."""
    return {name: value for name, value in schedule.request.model_dump().items() if value}


def name_actor(schedule: str) -> str:
    """Who acts when a schedule does."""
    return f"schedule {schedule}"


def _make_window(blackout: Blackout) -> Window:
    begins, ends = parse_end(blackout.begins), parse_end(blackout.ends)
    if isinstance(begins, datetime):
        assert isinstance(ends, datetime)
        return Window(begins=begins, ends=ends, is_weekly=False, reason=blackout.reason)
    assert not isinstance(ends, datetime)
    monday = datetime(2026, 1, 5)  # noqa: DTZ001 - a wall time without a zone, on purpose.
    first, after = (
        monday + timedelta(days=one.weekday, hours=one.hour, minutes=one.minute)
        for one in (begins, ends)
    )
    if after < first:
        after += timedelta(days=7)
    return Window(begins=first, ends=after, is_weekly=True, reason=blackout.reason)


def _decide(desk: ScheduleDesk, row: ScheduleRow, has_open: bool) -> Claim | None:  # noqa: FBT001 - the port's callback.
    try:
        schedule = Schedule.model_validate(row.definition)
    except ValueError:
        return None  # Of a newer release, which knows further kinds of time; its processes decide.
    how = CatchUp(schedule.catch_up)
    if has_open and how is CatchUp.ALL:
        return None  # One after the other: the next is claimed when this one has begun.
    assert row.next_due_at is not None
    claimed = rule_on_due(make_calendar(schedule), row.next_due_at, desk.clock.now(), how)
    return Claim(
        firings=tuple(_make_firing(desk, row.name, one) for one in claimed.rulings),
        next_due_at=claimed.next_due,
        actor=name_actor(row.name),
        request=make_request(schedule),
    )


def _make_firing(desk: ScheduleDesk, name: str, ruling: Ruling) -> NewFiring:
    at = ruling.due.at
    return NewFiring(
        due_at=at,
        run_id=make_run_id(desk.organisation, name, at) if ruling.fate is Fate.RUN else "",
        state=_STATES[ruling.fate],
        reason=ruling.reason,
    )


def _go_on(desk: ScheduleDesk, firing: FiringRow) -> FiringRow:
    """The firing's run is recorded and queued, or the reason why not is kept."""
    try:
        place = desk.find_place(firing.flow)
        if not _record_run(desk, firing, place):
            return _end(desk, firing, FiringState.PASSED_OVER)
        desk.queue.queue(
            flow=firing.flow, run_id=firing.run_id, request=firing.request,
            queue_key=place.queue_key,
        )  # fmt: skip
    except BusyError as busy:
        state = desk.records.schedules.save_waiting(firing, busy.refused)
        return _standing(firing, state, busy.refused)
    except (DatabaseAwayError, SystemUnavailableError, RunInterruptedError):
        raise  # Nothing is wrong with the firing: it stays open, for whoever looks next.
    except ConnectorError as error:
        if _has_run(desk.records, firing):
            raise  # It is queued by somebody who knows the flow as it was recorded.
        return _end(desk, firing, FiringState.REFUSED, error.refused)
    return _end(desk, firing, FiringState.STARTED, firing.reason)


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
