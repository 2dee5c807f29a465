"""Alerts: what went wrong and goes on, and saying that somebody looks after it."""

from typing import Annotated, Any

from ninja import Body, Router, Schema

from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.ports import Right
from ml_connector.ports.alerts import AlertState
from ml_connector.web.api.shapes import Asked, Instant, PathName, Text, finding
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()


class AlertOut(Schema):
    """Something that happened, once or again and again."""

    alert_id: str
    state: AlertState
    event: AlertEvent
    severity: Severity
    subject: str
    run_id: str
    title: str
    happened: list[str]
    written: str
    next_step: str
    count: int
    first_at: Instant
    last_at: Instant
    ended_at: Instant | None
    acknowledged_at: Instant | None
    acknowledged_by: str
    remark: str


class AlertsOut(Schema):
    """Alerts that are not over, newest first."""

    items: list[AlertOut]


class RemarkAsked(Asked):
    """What is known, for the others."""

    remark: Text = ""


@router.get("", response=AlertsOut, summary="Alerts that are not over")
@needs(Right.SEE)
def list_alerts(request: Request) -> dict[str, Any]:
    """What was noted by now, the newest first."""
    return {"items": request.house.list_open_alerts()}


@router.get("/{alert_id}", response=AlertOut, summary="One alert")
@needs(Right.SEE)
def show_alert(request: Request, alert_id: PathName) -> Any:
    """Also when it is over."""
    with finding():
        return request.house.view_alert(alert_id).alert


@router.post("/{alert_id}/acknowledge", response=AlertOut, summary="Look after an alert")
@needs(Right.RUN)
def acknowledge(
    request: Request, alert_id: PathName, wanted: Annotated[RemarkAsked, Body()]
) -> Any:
    """Nobody is reminded of it any more."""
    with finding():
        found = request.house.view_alert(alert_id).alert
    return request.house.acknowledge_alert(found.alert_id, remark=wanted.remark)
