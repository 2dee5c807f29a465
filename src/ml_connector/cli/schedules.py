"""Commands about schedules: when each runs next, what became of the last, pause and trigger."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ml_connector.cli.options import Options, Output, opened, output_of
from ml_connector.cli.output import hint, say, show, show_json
from ml_connector.cli.report import exit_code_of, tell_run

if TYPE_CHECKING:
    from ml_connector.domain.schedules import Due
    from ml_connector.flows.answers.schedule_listings import ScheduleView
    from ml_connector.ports.schedules import FiringRow
    from ml_connector.wiring import House

# The answers load the engine's half of the flows: commands that need none start quicker.


def list_schedules(*, options: Options | None = None) -> int:
    """List the schedules: when each is due, what became of its last firing, who paused it."""
    from ml_connector.flows.answers import schedule_listings as tables  # noqa: PLC0415 - see above.

    with opened(options) as house:
        views = house.list_schedules()
        watches = house.list_watches()
    show(tables.list_schedules(views), output_of(options))
    if output_of(options) == "text":
        for one in watches:
            if one.problem:
                say(f"Periods of {one.connection} could not be looked at: {one.problem}")
    return 0


def show_schedule(name: str, /, *, options: Options | None = None) -> int:
    """Show a schedule: its next ten firings, what holds them, and its last twenty."""
    from ml_connector.flows.answers import schedule_listings as tables  # noqa: PLC0415 - see above.

    output = output_of(options)
    with opened(options) as house:
        view, past = house.view_schedule(name), house.list_past(name)
        if output == "json":
            show_json(_render(house, view, past=past))
            return 0
        zone = view.schedule.zone
        if output == "text":
            _tell_head(view)
        _show_next(house, view, output=output)
    # One table per CSV: who reads it by a program wants the times, or all of it as JSON.
    if output != "csv":
        print()
        show(tables.list_past(past, zone), output)
    return 0


def show_next(name: str, /, *, options: Options | None = None) -> int:
    """Show the next ten firings of a schedule, and why a time is moved or left out."""
    with opened(options) as house:
        _show_next(house, house.view_schedule(name), output=output_of(options))
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
    from ml_connector.flows.answers.schedule_listings import local  # noqa: PLC0415 - see above.

    with opened(options) as house:
        changed = house.resume_schedule(name)
        view = house.view_schedule(name)
    say(f"Schedule {name} goes on." if changed else f"Schedule {name} was not paused.")
    if view.next_due is not None:
        say(f"Next: {local(view.next_due, view.schedule.zone)} ({_utc(view.next_due)} UTC).")
    return 0


def trigger(name: str, /, *, options: Options | None = None) -> int:
    """Run now what the schedule would, and follow it to its end."""
    with opened(options) as house:
        row = house.trigger_schedule(name)
    tell_run(row, output_of(options))
    return exit_code_of(row)


def _show_next(house: "House", view: "ScheduleView", *, output: Output) -> None:
    from ml_connector.flows.answers import schedule_listings as tables  # noqa: PLC0415 - see above.

    name, zone = view.schedule.name, view.schedule.zone
    if view.schedule.when.on is not None:
        show(tables.list_waiting(house.list_waiting(name), zone), output)
        return
    show(tables.list_coming(house.list_coming(name), view), output)


def _tell_head(view: "ScheduleView") -> None:
    from ml_connector.flows.timetables import tell_when  # noqa: PLC0415 - see above.

    schedule, row = view.schedule, view.row
    say(f"{schedule.name}: flow {schedule.flow}, {tell_when(schedule)}, {schedule.zone}.")
    if view.paused_by and row is not None:
        why = f"paused by {view.paused_by} since {_utc(row.paused_at)} UTC"
    elif not schedule.enabled:
        why = "`enabled` is false"
    else:
        return
    say(f"Nothing runs: {why}. Times below are those it would run at.")


def _render(house: "House", view: "ScheduleView", *, past: "list[tuple[FiringRow, str]]") -> object:
    from ml_connector.flows.timetables import render_definition  # noqa: PLC0415 - see above.

    name, zone = view.schedule.name, view.schedule.zone
    return {
        "schedule": render_definition(view.schedule),
        "paused_by": view.paused_by,
        "next": [_plain_due(one, zone) for one in house.list_coming(name)],
        "waiting": [asdict(one) for one in house.list_waiting(name)],
        "last": [{**asdict(row), "became": became} for row, became in past],
    }


def _plain_due(due: "Due", zone: str) -> dict[str, object]:
    from ml_connector.flows.answers.schedule_listings import tell_why  # noqa: PLC0415 - see above.

    return {
        "at": due.at.isoformat(),
        "local": due.at.astimezone(ZoneInfo(zone)).isoformat(),
        "runs": due.is_run,
        "remark": tell_why(due, zone),
    }


def _utc(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""
