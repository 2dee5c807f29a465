"""Schedules: when flows run by themselves, and holding them."""

from typing import Any

from ninja import Router, Schema
from pydantic import Field

from ml_connector.ports import Right, RunRow
from ml_connector.ports.schedules import FiringState
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import Document, IdempotencyKey, Instant, PathName, finding
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()


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

    past: list[FiringOut]


class SchedulesOut(Schema):
    """Every schedule, by name."""

    items: list[ScheduleOut]


@router.get("", response=SchedulesOut, summary="Every schedule")
@needs(Right.SEE)
def list_schedules(request: Request) -> dict[str, Any]:
    """By name."""
    return {"items": [_tell(one) for one in request.house.list_schedules()]}


@router.get("/{name}", response=ScheduleInFull, summary="One schedule and its last firings")
@needs(Right.SEE)
def show_schedule(request: Request, name: PathName) -> dict[str, Any]:
    """When it is due, who holds it, what became of its last firings."""
    with finding():
        view = request.house.view_schedule(name)
    past = [
        {**{field: getattr(row, field) for field in FiringOut.model_fields if field != "became"},
         "became": became}
        for row, became in request.house.list_past(name)
    ]  # fmt: skip
    return {**_tell(view), "past": past}


@router.post("/{name}/pause", response=ScheduleOut, summary="Hold a schedule")
@needs(Right.RUN)
def pause(request: Request, name: PathName) -> dict[str, Any]:
    """It is due no more until somebody lets it go on."""
    with finding():
        request.house.schedule(name)
    request.house.pause_schedule(name)
    return _tell(request.house.view_schedule(name))


@router.post("/{name}/resume", response=ScheduleOut, summary="Let a schedule go on")
@needs(Right.RUN)
def resume(request: Request, name: PathName) -> dict[str, Any]:
    """It is due again from now; what it missed is not caught up."""
    with finding():
        request.house.schedule(name)
    request.house.resume_schedule(name)
    return _tell(request.house.view_schedule(name))


@router.post("/{name}/trigger", response={202: RunOut}, summary="Run now what a schedule would")
@needs(Right.RUN)
def trigger(request: Request, name: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """A run with the schedule's request is queued; poll it by the id that is answered."""
    with finding():
        request.house.schedule(name)
    key = verify_key(request, idempotency_key, {"trigger": name})
    return request.house.enqueue_schedule(name, key=key)


def _tell(view: Any) -> dict[str, Any]:
    schedule, row = view.schedule, view.row
    return {
        "name": schedule.name, "flow": schedule.flow, "zone": schedule.zone,
        "is_enabled": schedule.enabled, "definition": schedule.model_dump(mode="json"),
        "next_due": view.next_due, "paused_by": row.paused_by if row else "",
        "paused_at": row.paused_at if row else None,
    }  # fmt: skip
