"""Schedules: when flows run by themselves, and holding them."""

from datetime import UTC, datetime
from typing import Any

from ninja import Router, Schema
from pydantic import Field

from ml_connector.flows.answers.schedule_listings import tell_held, tell_why
from ml_connector.ports import Right, RunRow
from ml_connector.ports.schedules import FiringRow, FiringState
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    UnfitCursorError,
    cut_page,
    walk_page,
)
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import Document, IdempotencyKey, Instant, PathName, finding
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs
from ml_connector.wiring.schedules import LAST_SHOWN, NEXT_LOOKED

router = Router()
WAITING_MAX = 200
"""What has become of periods that a schedule has still to run for."""


class FiringOut(Schema):
    """One time of a schedule, and what became of it."""

    due_at: Instant
    state: FiringState
    became: str
    run_id: str
    actor: str
    reason: str


class ScheduleOut(Schema):
    """A schedule as the project has it, and what is known of it."""

    name: str
    flow: str
    zone: str
    is_enabled: bool
    definition: Document
    next_due: Instant | None = Field(description="null: paused, switched off, or it never comes.")
    paused_by: str
    paused_at: Instant | None


class ScheduleInFull(ScheduleOut):
    """A schedule with its last firings."""

    past: list[FiringOut] = Field(max_length=LAST_SHOWN, description="The newest; see `firings`.")
    held: str = Field(description="What lets nothing begin just now; empty: nothing does.")


class DueOut(Schema):
    """A coming time of a schedule."""

    at: Instant
    planned: Instant
    is_run: bool = Field(description="Whether something runs then.")
    remark: str = Field(description="What moves or drops it.")


class WaitingOut(Schema):
    """What has become of a period, for which it has still to run."""

    ledger: str
    period: str
    kind: str
    at: Instant


class NextOut(Schema):
    """The next ten firings; of a schedule that follows the books, what waits."""

    coming: list[DueOut] = Field(max_length=NEXT_LOOKED)
    waiting: list[WaitingOut] = Field(max_length=WAITING_MAX)


@router.get("", response=Page[ScheduleOut], summary="Every schedule, by name")
@needs(Right.SEE)
def list_schedules(
    request: Request, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Those of the project folder."""
    told = map(_tell, request.house.list_schedules())
    return walk_page(told, after=after, limit=limit, find_key=lambda one: str(one["name"]))


@router.get("/{name}", response=ScheduleInFull, summary="One schedule and its last firings")
@needs(Right.SEE)
def show_schedule(request: Request, name: PathName) -> dict[str, Any]:
    """When it is due, who holds it, what became of its last firings."""
    with finding():
        view = request.house.view_schedule(name)
    held = request.house.find_hold(name)
    return {
        **_tell(view), "past": [_tell_firing(*one) for one in request.house.list_past(name)],
        "held": tell_held(held, view.schedule.zone) if held is not None else "",
    }  # fmt: skip


@router.get("/{name}/next", response=NextOut, summary="The next ten firings")
@needs(Right.SEE)
def list_next(request: Request, name: PathName) -> dict[str, Any]:
    """As if it were neither paused nor switched off, and what windows move or drop."""
    schedule, house = _find(request, name), request.house
    follows = schedule.when.on is not None
    return {
        "coming": [
            {"at": one.at, "planned": one.planned, "is_run": one.is_run,
             "remark": tell_why(one, schedule.zone)}
            for one in ([] if follows else house.list_coming(name))
        ],
        "waiting": [
            {"ledger": one.ledger, "period": one.period.name, "kind": str(one.kind), "at": one.at}
            for one in house.list_waiting(name)[:WAITING_MAX]
        ],
    }  # fmt: skip


@router.get("/{name}/firings", response=Page[FiringOut], summary="Past firings, newest first")
@needs(Right.SEE)
def list_firings(
    request: Request, name: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """What became of each."""
    _find(request, name)
    past = request.house.list_past(name, limit=limit + 1, before=_read_instant(after))
    page = cut_page(past, limit=limit, find_key=_name_firing)
    return {**page, "items": [_tell_firing(*one) for one in page["items"]]}


@router.post("/{name}/pause", response=ScheduleOut, summary="Hold a schedule")
@needs(Right.RUN)
def pause(request: Request, name: PathName) -> dict[str, Any]:
    """It is due no more until somebody lets it go on."""
    _find(request, name)
    request.house.pause_schedule(name)
    return _tell(request.house.view_schedule(name))


@router.post("/{name}/resume", response=ScheduleOut, summary="Let a schedule go on")
@needs(Right.RUN)
def resume(request: Request, name: PathName) -> dict[str, Any]:
    """It is due again from now; what it missed is not caught up."""
    _find(request, name)
    request.house.resume_schedule(name)
    return _tell(request.house.view_schedule(name))


@router.post("/{name}/trigger", response={202: RunOut}, summary="Run now what a schedule would")
@needs(Right.RUN)
def trigger(request: Request, name: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """A run with the schedule's request is queued; poll it by the id that is answered."""
    _find(request, name)
    key = verify_key(request, idempotency_key, {"trigger": name})
    return request.house.enqueue_schedule(name, key=key)


def _find(request: Request, name: str) -> Any:
    with finding():
        return request.house.schedule(name)


def _name_firing(one: tuple[FiringRow, str]) -> str:
    # A plus sign is a blank in an address.
    return one[0].due_at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_instant(after: str) -> datetime | None:
    if not after:
        return None
    try:
        at = datetime.fromisoformat(after)
    except ValueError as error:
        raise UnfitCursorError(after) from error
    if at.tzinfo is None:
        raise UnfitCursorError(after)
    return at


def _tell_firing(row: FiringRow, became: str) -> dict[str, Any]:
    names = FiringOut.model_fields.keys() - {"became"}
    return {**{name: getattr(row, name) for name in names}, "became": became}


def _tell(view: Any) -> dict[str, Any]:
    schedule, row = view.schedule, view.row
    return {
        "name": schedule.name, "flow": schedule.flow, "zone": schedule.zone,
        "is_enabled": schedule.enabled, "definition": schedule.model_dump(mode="json"),
        "next_due": view.next_due, "paused_by": row.paused_by if row else "",
        "paused_at": row.paused_at if row else None,
    }  # fmt: skip
