"""Schedules: when flows run by themselves, what became of each time, and when systems are away."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml_connector.domain.texts import verify_length
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers import schedule_listings as listings
from ml_connector.flows.answers.schedule_listings import ScheduleView
from ml_connector.flows.timetables import tell_when
from ml_connector.ports import Right
from ml_connector.ports.schedules import FiringRow
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table, find_file
from ml_connector.web.views.actions import answer, read_key

PAST_SHOWN = 50
TEXT_MAX = 200
"""Characters of a field of the maintenance form."""
WINDOW_FIELDS = ("connection", "from", "to", "zone", "reason")


@needs(Right.SEE)
def show_schedules(request: Asked) -> HttpResponse:
    """Every schedule, how following the books goes, and the maintenance there is."""
    return _render_schedules(request)


@needs(Right.SEE)
def show_schedule(request: Asked, name: str) -> HttpResponse:
    """One schedule: its next times and what holds them, its past ones with their runs."""
    view, house = _find_view(request, name), request.house
    zone, follows = view.schedule.zone, view.schedule.when.on is not None
    before = _read_before(request)
    past = house.list_past(name, limit=PAST_SHOWN + 1, before=before)
    coming = (
        Table(
            name="waiting", title="Waiting to run",
            listing=listings.list_waiting(house.list_waiting(name), zone),
        )
        if follows
        else Table(
            name="next", title="Next ten",
            listing=listings.list_coming(house.list_coming(name), view),
        )
    )  # fmt: skip
    tables = [
        *([] if before else [coming]),
        Table(
            name="past", title="Past", listing=listings.list_past(past[:PAST_SHOWN], zone),
            next_step="" if follows else "The first time stands above.",
        ),
        *_list_windows(request, view),
    ]  # fmt: skip
    shown = {
        "view": view, "standing": listings.show_standing(view), "when": tell_when(view.schedule),
        "next_local": listings.local(view.next_due, zone), "tables": tables, "before": before,
        "older": _name_older(past), "held": _tell_held(request, view),
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/schedule.html", shown)


@needs(Right.RUN)
@require_POST
def pause(request: Asked, name: str) -> HttpResponse:
    """Nothing runs by the schedule until somebody lets it go on."""
    return _change(request, name, request.house.pause_schedule)


@needs(Right.RUN)
@require_POST
def resume(request: Asked, name: str) -> HttpResponse:
    """The schedule goes on from now."""
    return _change(request, name, request.house.resume_schedule)


def _change(request: Asked, name: str, act: Callable[[str], object]) -> HttpResponse:
    _find_view(request, name)
    act(name)
    return redirect("schedule", name)


@needs(Right.RUN)
@require_POST
def trigger(request: Asked, name: str) -> HttpResponse:
    """What the schedule would run runs now; its own times stay as they are."""
    _find_view(request, name)
    back, key = reverse("schedule", args=[name]), read_key(request)
    return answer(request, lambda: request.house.enqueue_schedule(name, key=key), back=back)


@needs(Right.RUN)
@require_POST
def add_maintenance(request: Asked) -> HttpResponse:
    """Nothing scheduled begins in the window that needs the connection."""
    given = {one: request.POST.get(one, "") for one in WINDOW_FIELDS}
    try:
        for one, text in given.items():
            given[one] = verify_length(text, most=TEXT_MAX, what=f"The {one}")
        request.house.add_maintenance(
            given["connection"], begins=given["from"], ends=given["to"], zone=given["zone"],
            reason=given["reason"],
        )  # fmt: skip
    except ConnectorError as error:
        return _render_schedules(request, error=error, given=given)
    return redirect(f"{reverse('schedules')}#maintenance-title")


@needs(Right.RUN)
@require_POST
def remove_maintenance(request: Asked) -> HttpResponse:
    """The window holds no more."""
    try:
        request.house.remove_maintenance(request.POST.get("window", "")[:TEXT_MAX])
    except UsageError as error:
        return _render_schedules(request, error=error)
    return redirect(f"{reverse('schedules')}#maintenance-title")


def _render_schedules(
    request: Asked, *, error: ConnectorError | None = None, given: dict[str, str] | None = None
) -> HttpResponse:
    house = request.house
    views, watches, windows = house.list_schedules(), house.list_watches(), house.list_maintenance()
    tables = [
        Table(
            name="schedules", title="Schedules", listing=listings.list_schedules(views),
            is_main=True, next_step="`docs/guides/schedules.md` shows what stands in one.",
        ),
        Table(
            name="maintenance", title="Maintenance", listing=listings.list_maintenance(windows),
            next_step="Say below when a system is away; or put a file into maintenance/.",
        ),
        *([Table(
            name="books", title="Following the books", listing=listings.list_watches(watches),
        )] if watches else []),
    ]  # fmt: skip
    shown: dict[str, Any] = {
        "tables": tables, "error": error, "given": given or {},
        "connections": sorted(house.project.connections), "folder_problem": house.folder_problem,
        "removable": [one for one in windows if not one.is_filed],
        "zones": sorted({one.schedule.zone for one in views} | {"UTC"}),
    }  # fmt: skip
    status = 422 if error else 200
    found = find_file(request, tables) if request.method == "GET" else None
    return found or render(request, "pages/schedules.html", shown, status=status)


def _find_view(request: Asked, name: str) -> ScheduleView:
    try:
        return request.house.view_schedule(name)
    except UsageError as error:
        raise Http404(error.refused) from error


def _list_windows(request: Asked, view: ScheduleView) -> list[Table]:
    """Maintenance of the systems its flow needs, where there is some."""
    flow = request.house.project.flows.get(view.schedule.flow)
    names = {flow.source, flow.target} if flow is not None else set()
    windows = [one for one in request.house.list_maintenance() if one.connection in names]
    listing = listings.list_maintenance(windows)
    title = "Maintenance of its systems"
    return [Table(name="windows", title=title, listing=listing)] if windows else []


def _tell_held(request: Asked, view: ScheduleView) -> str:
    """What lets nothing begin just now."""
    held = request.house.find_hold(view.schedule.name)
    return listings.tell_held(held, view.schedule.zone) if held is not None else ""


def _read_before(request: Asked) -> datetime | None:
    """Where an earlier page of past times begins."""
    try:
        at = datetime.fromisoformat(request.GET.get("before", ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _name_older(past: list[tuple[FiringRow, str]]) -> str:
    if len(past) <= PAST_SHOWN:
        return ""
    return past[PAST_SHOWN - 1][0].due_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
