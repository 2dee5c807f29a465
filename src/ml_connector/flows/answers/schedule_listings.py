"""Schedules as tables: when each is due, what becomes of each time, what it waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ml_connector.domain.catch_up import LATE, name_window
from ml_connector.domain.schedules import Due
from ml_connector.domain.windows import Blackout
from ml_connector.flows.answers.listing import Cell, Link, Listing, State, Tone
from ml_connector.flows.scheduling import name_actor
from ml_connector.flows.timetables import tell_when
from ml_connector.ports import RunState
from ml_connector.ports.closing import MaintenanceRow, PeriodEvent, WatchRow
from ml_connector.ports.schedules import FiringRow, FiringState, ScheduleRow
from ml_connector.settings import Schedule

_TONES: dict[str, Tone] = {
    **dict.fromkeys((RunState.QUEUED, RunState.RUNNING), Tone.BUSY),
    **dict.fromkeys((RunState.SUCCEEDED,), Tone.GOOD),
    **dict.fromkeys((RunState.UNTIED, RunState.UNKNOWN, RunState.FAILED), Tone.WRONG),
    RunState.CANCELLED: Tone.IDLE,
    FiringState.CLAIMED: Tone.BUSY,
    FiringState.RECORDED: Tone.BUSY,
    FiringState.WAITING: Tone.WAITS,
    FiringState.MISSED: Tone.WAITS,
    FiringState.PASSED_OVER: Tone.IDLE,
    FiringState.SKIPPED: Tone.IDLE,
    FiringState.REFUSED: Tone.WRONG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A schedule as the project folder has it, and what the records know of it."""

    schedule: Schedule
    row: ScheduleRow | None
    next_due: datetime | None
    """None: paused, switched off, waiting for the books, or it never comes."""
    last: FiringRow | None
    last_state: str
    """What became of the last firing: of its run, or of itself when it has none."""

    @property
    def paused_by(self) -> str:
        """Who lets nothing run; empty when it is not paused."""
        return self.row.paused_by if self.row is not None else ""


def list_schedules(views: Sequence[ScheduleView]) -> Listing:
    """Every schedule: when it is due, what became of its last firing, who paused it."""
    return Listing(
        columns=(
            "Schedule", "State", "When", "Next", "Last", "Became", "Run", "Flow", "Zone",
            "Next (UTC)", "Paused by",
        ),
        rows=[
            (
                Link(text=its.schedule.name, kind="schedule", key=its.schedule.name),
                show_standing(its), tell_when(its.schedule),
                local(its.next_due, its.schedule.zone),
                local(its.last.due_at, its.schedule.zone) if its.last else "",
                show_outcome(its.last_state) if its.last else "",
                _link_run(its.last) if its.last else "",
                Link(text=its.schedule.flow, kind="flow", key=its.schedule.flow),
                its.schedule.zone, its.next_due, its.paused_by,
            )
            for its in views
        ],
        empty="There is no schedule: put one into the folder schedules/ of the project.",
    )  # fmt: skip


WAITS = "It waits for the ERP's calendar: the next look of a server or worker reads it."
NEVER = "It never comes: no time fits, or windows leave no hole."


def list_coming(coming: Sequence[Due], view: ScheduleView) -> Listing:
    """The next times, those that a window moves or drops said; without any, why there are none."""
    zone = view.schedule.zone
    return Listing(
        columns=("Next", "Offset", "UTC", "What", "Why"),
        rows=[
            (
                local(one.at, zone), _offset(one.at, zone), one.at,
                State(word="runs", tone=Tone.GOOD) if one.is_run
                else State(word="skipped", tone=Tone.IDLE),
                tell_why(one, zone),
            )
            for one in coming
        ],
        empty=WAITS if view.schedule.when.working_day is not None else NEVER,
    )  # fmt: skip


def list_waiting(waiting: Sequence[PeriodEvent], zone: str) -> Listing:
    """What has become of periods that is still to be run for."""
    return Listing(
        columns=("Period", "Ledger", "What", "Seen", "Seen (UTC)"),
        rows=[
            (
                one.period.name, one.ledger, one.kind.value.removeprefix("period-"),
                local(one.at, zone), one.at,
            )
            for one in waiting
        ],
        empty="Nothing waits: the next period has not been closed or opened yet.",
    )  # fmt: skip


def list_past(past: Sequence[tuple[FiringRow, str]], zone: str) -> Listing:
    """Past times and what became of each, newest first."""
    return Listing(
        columns=("Time", "Became", "Run", "Remark", "By", "Late", "UTC"),
        rows=[
            (
                local(row.due_at, zone), show_outcome(became), _link_run(row), row.reason,
                "schedule" if row.actor == name_actor(row.schedule) else row.actor,
                tell_late(row), row.due_at,
            )
            for row, became in past
        ],
        empty="Nothing has come yet.",
    )  # fmt: skip


def list_maintenance(windows: Sequence[MaintenanceRow]) -> Listing:
    """When systems are away."""
    return Listing(
        columns=("Window", "Connection", "From", "To", "Zone", "Reason", "By"),
        rows=[
            (
                one.key, one.connection, one.begins, one.ends, one.zone, one.reason,
                f"maintenance/{one.key.rpartition('-')[0]}.yaml" if one.is_filed else one.added_by,
            )
            for one in windows
        ],
        empty="No maintenance is known of.",
    )  # fmt: skip


def list_watches(watches: Sequence[WatchRow]) -> Listing:
    """How looking at the periods of each ERP goes."""
    return Listing(
        columns=("Connection", "State", "Looked at (UTC)", "Next look (UTC)", "Failed", "Problem"),
        rows=[
            (
                one.connection,
                State(word="away", tone=Tone.WAITS) if one.problem
                else State(word="answers", tone=Tone.GOOD),
                one.looked_at, one.next_look_at, one.failures, one.problem,
            )
            for one in watches
        ],
        empty="No schedule follows the books.",
    )  # fmt: skip


def show_standing(view: ScheduleView) -> State:
    """Whether it runs, and if not, why."""
    when = view.schedule.when
    found = (
        (bool(view.paused_by), "paused", Tone.WAITS),
        (not view.schedule.enabled, "off", Tone.IDLE),
        (view.row is None or not view.row.is_listed, "not served yet", Tone.WAITS),
        (view.next_due is not None, "on", Tone.GOOD),
        (when.on is not None, "follows the books", Tone.GOOD),
        (when.working_day is not None, "waits for the calendar", Tone.WAITS),
        (True, "never comes", Tone.WRONG),
    )
    return next(State(word=word, tone=tone) for holds, word, tone in found if holds)


def show_outcome(became: str) -> State:
    """What became of a firing."""
    return State(word=became, tone=_TONES.get(became, Tone.WAITS))


def tell_why(due: Due, zone: str) -> str:
    """Which window moves or drops the time, and until when."""
    if due.held_by is None:
        return ""
    delayed = f"delayed from {local(due.planned, zone)} by {name_window(due.held_by)}"
    if due.skipped_by is None:
        return delayed
    dropped = f"{name_window(due.skipped_by)} until {local(due.skipped_by.ends, zone)}"
    return dropped if due.dropped_by is None else f"{delayed}, into {dropped}"


def tell_held(held: Blackout, zone: str) -> str:
    """What holds everything back now."""
    named = name_window(held)
    until = local(held.ends, zone)
    return f"{named[0].upper()}{named[1:]} lets nothing begin until {until}"


def tell_late(firing: FiringRow) -> str:
    """How long after its time it began, where that is worth a word."""
    if firing.ended_at is None or firing.state is not FiringState.STARTED:
        return ""
    late = firing.ended_at - firing.due_at
    if late <= LATE:
        return ""
    hours, minutes = divmod(int(late.total_seconds()) // 60, 60)
    if late.days:
        return "1 day" if late.days == 1 else f"{late.days} days"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def local(at: datetime | None, zone: str) -> str:
    """The instant as a clock on the wall of that zone shows it."""
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}" if at else ""


def _offset(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Z %z}"


def _link_run(firing: FiringRow) -> Cell:
    if not firing.run_id or firing.state is not FiringState.STARTED:
        return ""
    return Link(text=firing.run_id, kind="run", key=firing.run_id)
