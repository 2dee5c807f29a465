"""Alerts: what is open, who looks after it, who was told, and whether channels work."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from ml_connector.domain.alerts import WORDS, AlertEvent
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers.alert_listings import (
    list_alerts,
    list_deliveries,
    list_events,
    list_held,
    list_occurrences,
    list_open,
    list_rules,
    show_alert_state,
    show_delivery_state,
    show_severity,
)
from ml_connector.flows.answers.listing import Link
from ml_connector.ports import Right
from ml_connector.ports.alerts import AlertState, DeliveryRow, DeliveryState
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table, find_file
from ml_connector.wiring.alerts import REMARK_CHARS_MAX, ChannelView

PAST_SHOWN = 100
"""Alerts of one page."""
AGAIN = frozenset({DeliveryState.FAILED, DeliveryState.UNCLEAR})


@needs(Right.SEE)
def show_alerts(request: Asked) -> HttpResponse:
    """What is open and acknowledged, the newest messages, channels and rules."""
    return _render(request)


@needs(Right.SEE)
def show_past(request: Asked) -> HttpResponse:
    """All alerts there were, of one event or subject where one is named."""
    event, subject = request.GET.get("event", ""), request.GET.get("subject", "")
    rows = request.house.records.alerts.load_alerts(
        before=request.GET.get("before", ""), event=event, subject=subject, limit=PAST_SHOWN + 1
    )
    shown = rows[:PAST_SHOWN]
    tables = [
        Table(
            name="alerts", title="Alerts", is_main=True,
            listing=list_alerts(shown, empty="There was no such alert."),
        )
    ]  # fmt: skip
    asked: dict[str, Any] = {
        "tables": tables, "event": event, "subject": subject,
        "events": [(one.value, WORDS[one]) for one in AlertEvent],
        "next": shown[-1].alert_id if len(rows) > PAST_SHOWN else "",
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/alerts_past.html", asked)


@needs(Right.SEE)
def show_alert(request: Asked, alert_id: str) -> HttpResponse:
    """One alert: what happened, what to do, who was told, who looks after it."""
    return _render_alert(request, alert_id)


@needs(Right.RUN)
@require_POST
def acknowledge(request: Asked, alert_id: str) -> HttpResponse:
    """The person looks after the alert."""
    try:
        request.house.acknowledge_alert(alert_id, remark=request.POST.get("remark", ""))
    except ConnectorError as error:
        return _render_alert(request, alert_id, error=error)
    return redirect("alert", alert_id)


@needs(Right.RUN)
@require_POST
def test(request: Asked) -> HttpResponse:
    """The channel took a test message, or what it said instead."""
    try:
        request.house.test_channel(request.POST.get("channel", ""))
    except ConnectorError as error:
        return _render(request, error=error)
    return redirect("alerts")


@needs(Right.RUN)
@require_POST
def send_again(request: Asked) -> HttpResponse:
    """A message that failed waits anew."""
    number = request.POST.get("number", "")
    if number.isascii() and number.isdigit():
        request.house.send_again(int(number[:18]))
    return redirect("alerts")


def _list_tables(request: Asked, deliveries: list[DeliveryRow]) -> list[Table]:
    found = request.house.records.alerts.load_open()
    mine = [one for one in found if one.state is AlertState.ACKNOWLEDGED]
    left = [one for one in found if one.state is AlertState.OPEN]
    return [
        Table(
            name="open", title="Open", listing=list_open(left),
            next_step="What is worth telling shows here by itself.",
        ),
        Table(
            name="acknowledged", title="Looked after",
            next_step="Open one and say that it is yours.",
            listing=list_held(mine),
        ),
        Table(name="messages", title="Messages", listing=list_deliveries(deliveries)),
        Table(
            name="rules", title="Who is told of what",
            listing=list_rules(request.house.project.settings.alerts),
            next_step="Write rules under `alerts` in ml-connector.yaml.",
        ),
        Table(name="events", title="Events", listing=list_events()),
    ]  # fmt: skip


def _render(request: Asked, *, error: ConnectorError | None = None) -> HttpResponse:
    deliveries = request.house.records.alerts.load_deliveries()
    tables = {table.name: table for table in _list_tables(request, deliveries)}
    failed = [one for one in deliveries if one.state in AGAIN and one.alert is not None]
    shown = {
        "tables": tables, "error": error, "failed": failed,
        "channels": [_show_channel(one) for one in request.house.list_channels()],
    }  # fmt: skip
    files = find_file(request, list(tables.values()))
    return files or render(request, "pages/alerts.html", shown, status=422 if error else 200)


def _show_channel(view: ChannelView) -> dict[str, Any]:
    return {
        "name": view.channel.name, "kind": view.kind, "problem": view.problem,
        "to": "approvers who are not the maker" if view.channel.to else "",
        "last": view.last, "state": show_delivery_state(view.last) if view.last else None,
    }  # fmt: skip


def _render_alert(
    request: Asked, alert_id: str, *, error: ConnectorError | None = None
) -> HttpResponse:
    try:
        view = request.house.view_alert(alert_id)
    except UsageError as unknown:
        raise Http404(unknown.refused) from unknown
    alert = view.alert
    tables = [
        Table(name="times", title="Each time", listing=list_occurrences(view.occurrences)),
        Table(
            name="messages", title="Who was told", listing=list_deliveries(view.deliveries),
            next_step="No rule sends such an alert to a channel.",
        ),
    ]  # fmt: skip
    is_flow = alert.subject in request.house.project.flows
    shown = {
        "alert": alert, "tables": tables, "error": error, "severity": show_severity(alert.severity),
        "state": show_alert_state(alert), "word": WORDS[alert.event],
        "can_acknowledge": alert.state is AlertState.OPEN and request.person.rights >= {Right.RUN},
        "remark_max": REMARK_CHARS_MAX,
        "subject": Link(text=alert.subject, kind="flow", key=alert.subject) if is_flow
        else Link(text=alert.subject, kind="connection", key=alert.subject)
        if alert.subject in request.house.project.connections else alert.subject,
    }  # fmt: skip
    status = 422 if error else 200
    return find_file(request, tables) or render(request, "pages/alert.html", shown, status=status)
