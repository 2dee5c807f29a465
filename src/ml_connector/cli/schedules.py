"""Commands about schedules: when each runs next, what became of the last, pause and trigger."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, hint, say, show, show_json
from ml_connector.cli.report import exit_code_of, tell_run

if TYPE_CHECKING:
    from ml_connector.domain.schedules import Due
    from ml_connector.ports.schedules import FiringRow
    from ml_connector.settings import Schedule
    from ml_connector.wiring.schedules import ScheduleView


def list_schedules(*, options: Options | None = None) -> int:
    """List the schedules: when each is due, what became of its last firing, who paused it."""
    with opened(options) as house:
        rows = [
            (
                its.schedule.name, its.schedule.flow, _tell_when(its.schedule), its.schedule.zone,
                _local(its.next_due, its.schedule.zone), _utc(its.next_due),
                _local(its.last.due_at, its.schedule.zone) if its.last else "", its.last_state,
                _tell_pause(its),
            )
            for its in house.list_schedules()
        ]  # fmt: skip
    show(
        Listing(
            columns=(
                "Schedule", "Flow", "When", "Zone", "Next", "Next (UTC)", "Last", "Became",
                "Paused by",
            ),
            rows=rows,
            empty="There is no schedule: put one into the folder schedules/ of the project.",
        ),
        output_of(options),
    )  # fmt: skip
    return 0


def show_schedule(name: str, /, *, options: Options | None = None) -> int:
    """Show a schedule: its next ten firings, blackouts said, and its last twenty."""
    with opened(options) as house:
        view = house.view_schedule(name)
        coming, past = house.list_coming(name), house.list_past(name)
    schedule, output = view.schedule, output_of(options)
    if output == "json":
        show_json(
            {
                "schedule": schedule.model_dump(mode="json", by_alias=True),
                "paused_by": _tell_pause(view),
                "next": [_plain_due(one, schedule.zone) for one in coming],
                "last": [{**asdict(row), "became": became} for row, became in past],
            }
        )
        return 0
    if output == "text":
        say(f"{schedule.name}: flow {schedule.flow}, {_tell_when(schedule)}, {schedule.zone}.")
        if not schedule.enabled or _tell_pause(view):
            say(f"Nothing runs: {_tell_rest(view)}. Times below are those it would run at.")
    show(_list_coming(coming, schedule.zone), output)
    # One table per CSV: who reads it by a program wants the times, or all of it as JSON.
    if output != "csv":
        print()
        show(_list_past(past, schedule.zone), output)
    return 0


def pause(name: str, /, *, options: Options | None = None) -> int:
    """Let nothing run by a schedule until somebody resumes it; a changed file does not."""
    with opened(options) as house:
        changed = house.pause_schedule(name)
    say(f"Schedule {name} is paused." if changed else f"Schedule {name} was paused already.")
    hint(f"let it go on: `ml-connector schedules resume {name}`")
    return 0


def resume(name: str, /, *, options: Options | None = None) -> int:
    """Let a paused schedule go on from now; what it missed is not caught up."""
    with opened(options) as house:
        changed = house.resume_schedule(name)
        view = house.view_schedule(name)
    say(f"Schedule {name} goes on." if changed else f"Schedule {name} was not paused.")
    if view.next_due is not None:
        say(f"Next: {_local(view.next_due, view.schedule.zone)} ({_utc(view.next_due)} UTC).")
    return 0


def trigger(name: str, /, *, options: Options | None = None) -> int:
    """Run now what the schedule would, and follow it to its end."""
    with opened(options) as house:
        row = house.trigger_schedule(name)
    tell_run(row, output_of(options))
    return exit_code_of(row)


def _tell_when(schedule: "Schedule") -> str:
    from ml_connector.domain.cron_words import tell_cron  # noqa: PLC0415 - start-up time.

    words = tell_cron(schedule.when.cron or "")
    return words if schedule.enabled else f"{words} (off)"


def _tell_pause(view: "ScheduleView") -> str:
    return view.row.paused_by if view.row is not None else ""


def _tell_rest(view: "ScheduleView") -> str:
    if _tell_pause(view):
        assert view.row is not None
        return f"paused by {view.row.paused_by} since {_utc(view.row.paused_at)} UTC"
    return "`enabled` is false"


def _utc(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""


def _local(at: datetime | None, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}" if at else ""


def _offset(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Z %z}"


def _remark(due: "Due", zone: str) -> str:
    if due.skipped_by is not None:
        until = _local(due.skipped_by.ends, zone)
        reason = f" ({due.skipped_by.reason})" if due.skipped_by.reason else ""
        return f"skipped: blackout{reason} until {until}"
    return (
        f"delayed from {_local(due.planned, zone)} by a blackout" if due.at != due.planned else ""
    )


def _plain_due(due: "Due", zone: str) -> dict[str, object]:
    return {
        "at": due.at.isoformat(),
        "local": due.at.astimezone(ZoneInfo(zone)).isoformat(),
        "runs": due.is_run,
        "remark": _remark(due, zone),
    }


def _list_coming(coming: "list[Due]", zone: str) -> Listing:
    return Listing(
        columns=("Next", "Offset", "UTC", "Remark"),
        rows=[
            (_local(one.at, zone), _offset(one.at, zone), _utc(one.at), _remark(one, zone))
            for one in coming
        ],
        empty="It never comes: no time fits, or blackouts leave no hole.",
    )


def _list_past(past: "list[tuple[FiringRow, str]]", zone: str) -> Listing:
    return Listing(
        columns=("Last", "UTC", "Became", "Run", "By", "Remark"),
        rows=[
            (_local(row.due_at, zone), _utc(row.due_at), became, row.run_id, row.actor, row.reason)
            for row, became in past
        ],
        empty="Nothing has come yet.",
    )
