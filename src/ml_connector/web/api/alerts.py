"""Alerts: what went wrong, who was told, and saying that somebody looks after it."""

from typing import Annotated, Any

from ninja import Body, Path, Query, Router, Schema

from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.ports import Right
from ml_connector.ports.alerts import AlertState, DeliveryKind, DeliveryState
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    UnfitCursorError,
    begin_after,
    cut_page,
    read_number,
    walk_page,
)
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.shapes import KEY_MAX, Asked, Instant, Line, PathName, Text, finding
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
NUMBER_MAX = 2**62


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


class OccurrenceOut(Schema):
    """One time an alert happened."""

    key: str
    run_id: str
    text: str
    at: Instant


class MessageOut(Schema):
    """A message to a channel, and what became of it."""

    number: int
    alert_id: str | None
    channel: str
    kind: DeliveryKind
    state: DeliveryState
    made_at: Instant
    due_at: Instant
    attempts: int
    sent_at: Instant | None
    error: str

    @staticmethod
    def resolve_alert_id(one: Any) -> str | None:
        """The alert it tells of; a test tells of none."""
        return one.alert.alert_id if one.alert else None


class ChannelOut(Schema):
    """Where alerts are sent; never its address."""

    name: str
    kind: str
    problem: str
    last: MessageOut | None


class TestedOut(Schema):
    """A channel that took a test message."""

    channel: str


class AgainOut(Schema):
    """Whether a message waits anew."""

    number: int
    is_waiting: bool


class RemarkAsked(Asked):
    """What is known, for the others."""

    remark: Text = ""


@router.get("", response=Page[AlertOut], summary="Alerts that are not over, newest first")
@needs(Right.SEE)
def list_alerts(request: Request, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """What was noted by now."""
    before = begin_after(after, request.house.records.alerts.find_alert)
    rows = request.house.list_open_alerts(before=before, limit=limit + 1)
    return cut_page(rows, limit=limit, find_key=lambda one: one.alert_id)


@router.get("/past", response=Page[AlertOut], summary="All alerts there were, newest first")
@needs(Right.SEE)
def list_past(
    request: Request,
    event: Annotated[AlertEvent | None, Query(description="Of this event only.")] = None,
    subject: Annotated[str, Query(max_length=KEY_MAX, pattern=Line)] = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Those that are over, and those that are not."""
    store = request.house.records.alerts
    rows = store.load_alerts(
        before=begin_after(after, store.find_alert), event=event.value if event else "",
        subject=subject, limit=limit + 1,
    )  # fmt: skip
    return cut_page(rows, limit=limit, find_key=lambda one: one.alert_id)


@router.get("/messages", response=Page[MessageOut], summary="Messages, newest first")
@needs(Right.SEE)
def list_messages(
    request: Request,
    alert: Annotated[str, Query(max_length=KEY_MAX, pattern=Line, description="Its id.")] = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Who was told of what, tests as well."""
    rows = request.house.records.alerts.load_deliveries(
        alert_id=alert, before=read_number(after), limit=limit + 1
    )
    return cut_page(rows, limit=limit, find_key=lambda one: str(one.number))


@router.post(
    "/messages/{number}/again", response=AgainOut, summary="Send a message that failed again"
)
@needs(Right.RUN)
def send_again(
    request: Request, number: Annotated[int, Path(ge=0, le=NUMBER_MAX)]
) -> dict[str, Any]:
    """It waits anew; one that has not failed is left alone."""
    return {"number": number, "is_waiting": request.house.send_again(number)}


@router.get("/channels", response=Page[ChannelOut], summary="Where alerts are sent")
@needs(Right.SEE)
def list_channels(
    request: Request, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """By name, with what became of the last message to each."""
    told = [
        {"name": one.channel.name, "kind": one.kind, "problem": one.problem, "last": one.last}
        for one in request.house.list_channels()
    ]
    return walk_page(told, after=after, limit=limit, find_key=lambda one: str(one["name"]))


@router.post("/channels/{name}/test", response=TestedOut, summary="Send a test message")
@needs(Right.RUN)
def test_channel(request: Request, name: PathName) -> dict[str, Any]:
    """The channel took it; where it did not, the answer says why."""
    if name not in {one.channel.name for one in request.house.list_channels()}:
        raise MissingError(
            f"There is no channel {name!r}.",
            written="Nothing was sent.", next_step="List them: GET /api/v1/alerts/channels.",
        )  # fmt: skip
    request.house.test_channel(name)
    return {"channel": name}


@router.get("/{alert_id}", response=AlertOut, summary="One alert")
@needs(Right.SEE)
def show_alert(request: Request, alert_id: PathName) -> Any:
    """Also when it is over."""
    with finding():
        return request.house.view_alert(alert_id).alert


@router.get(
    "/{alert_id}/occurrences", response=Page[OccurrenceOut], summary="Each time an alert happened"
)
@needs(Right.SEE)
def list_occurrences(
    request: Request, alert_id: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Newest first; `messages?alert=` tells who heard of it."""
    with finding():
        found = request.house.view_alert(alert_id).alert
    rows = request.house.records.alerts.load_occurrences(
        found.alert_id, before=after, limit=limit + 1
    )
    if after and not rows:
        # Times are never taken away: behind one that was told with a `next` there is another.
        raise UnfitCursorError(after)
    return cut_page(rows, limit=limit, find_key=lambda one: one.key)


@router.post("/{alert_id}/acknowledge", response=AlertOut, summary="Look after an alert")
@needs(Right.RUN)
def acknowledge(
    request: Request, alert_id: PathName, wanted: Annotated[RemarkAsked, Body()]
) -> Any:
    """Nobody is reminded of it any more."""
    with finding():
        found = request.house.view_alert(alert_id).alert
    return request.house.acknowledge_alert(found.alert_id, remark=wanted.remark)
