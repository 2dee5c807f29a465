"""Connections: whether they work, what ends when, how many requests are left, who writes."""

from datetime import timedelta
from decimal import Decimal

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers.connection_listings import (
    list_checks,
    list_minutes,
    list_models,
    list_requests,
    list_tests,
    list_unsettled,
    show_test,
)
from ml_connector.flows.answers.listing import Cell, Link, Listing, State, Tone
from ml_connector.ports import Right
from ml_connector.ports.connections import Requests
from ml_connector.web.charts import (
    Bar,
    Chart,
    Point,
    find_chart,
    find_drawn,
    plot_columns,
    plot_line,
)
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table, find_file
from ml_connector.wiring.limits import CertificateEnd, ConnectionDetail, ConnectionView, SecretUse

PART_S = 5
"""Seconds of one column of the last minute."""


@needs(Right.SEE)
def show_connections(request: Asked) -> HttpResponse:
    """Each connection, the requests of this minute, who writes where, and the keys."""
    return find_file(request, _list_tables(request)) or _render(request)


@needs(Right.SEE)
def show_connection(request: Asked, connection: str) -> HttpResponse:
    """One connection with everything known of it; asks no other system."""
    return find_drawn(request) or _render_one(request, connection)


@needs(Right.RUN)
@require_POST
def test(request: Asked, connection: str) -> HttpResponse:
    """Reach, log-in and rights are looked at; what was found is on the connection's page."""
    try:
        request.house.test_connection(connection)
    except ConnectorError as error:
        return _render_one(request, connection, error=error)
    return redirect("connection", connection)


@needs(Right.ADMINISTER)
@require_POST
def rotate(request: Asked) -> HttpResponse:
    """Every secret is wrapped by a new key."""
    try:
        request.house.rotate_secrets()
    except ConnectorError as error:
        return _render(request, error=error)
    return redirect("connections")


def show_certificate(end: CertificateEnd | None) -> State | str:
    """When a certificate ends, and what is being closed then."""
    if end is None:
        return ""
    if end.ends_at is None or end.place is None:
        return State(word="cannot be opened", tone=Tone.WRONG)
    text = f"{end.ends_at:%Y-%m-%d}, {end.place.render()}"
    return State(word=text, tone=Tone.WAITS) if end.is_soon else text


def _list_tables(request: Asked) -> list[Table]:
    house = request.house
    rows = [_make_row(one) for one in house.list_connections()]
    columns = ("Connection", "System", "Serves", "Last test", "Tested (UTC)", "Certificate ends")
    secrets = [(one.name, one.key_id, one.saved_at) for one in house.list_secrets()]
    return [
        Table(
            name="connections", title="Connections", is_main=True,
            listing=Listing(columns=columns, rows=rows, empty="There is no connection."),
            next_step="Write one into the folder connections/ of the project.",
        ),
        Table(
            name="requests", title="Requests at this moment",
            listing=list_requests(house.list_requests()),
        ),
        Table(name="models", title="Who writes", listing=list_models(house.list_models())),
        Table(
            name="unsettled", title="Outcome not known",
            listing=list_unsettled(house.list_unsettled()),
        ),
        Table(
            name="secrets", title="Stored secrets", next_step="`ml-connector secrets set NAME`.",
            listing=Listing(columns=("Name", "Key", "Saved (UTC)"), rows=secrets,
                            empty="No secret is stored."),
        ),
    ]  # fmt: skip


def _make_row(one: ConnectionView) -> tuple[Cell, ...]:
    return (
        Link(text=one.name, kind="connection", key=one.name), one.kind, ", ".join(one.flows),
        show_test(one.last), one.last.at if one.last else None, show_certificate(one.certificate),
    )  # fmt: skip


def _render(request: Asked, *, error: ConnectorError | None = None) -> HttpResponse:
    tables = _list_tables(request)
    shown = {"first": tables[0], "tables": tables[1:-1], "secrets": tables[-1], "error": error}
    return render(request, "pages/connections.html", shown, status=422 if error else 200)


def _render_one(request: Asked, name: str, *, error: ConnectorError | None = None) -> HttpResponse:
    try:
        detail = request.house.view_connection(name)
    except UsageError as unknown:
        raise Http404(unknown.refused) from unknown
    charts = _draw(detail)
    tables = _list_detail(detail)
    last = detail.tests[0] if detail.tests else None
    shown = {
        "detail": detail, "view": detail.view, "tables": tables, "charts": charts, "error": error,
        "last": last, "state": show_test(last), "requests": detail.requests,
        "certificate": show_certificate(detail.view.certificate),
        "flows": [Link(text=flow, kind="flow", key=flow) for flow in detail.view.flows],
    }  # fmt: skip
    files = find_file(request, [*tables, *(chart.table for chart in charts)])
    status = 422 if error else 200
    return (
        find_chart(request, charts)
        or files
        or render(request, "pages/connection.html", shown, status=status)
    )


def _list_detail(detail: ConnectionDetail) -> list[Table]:
    last = detail.tests[0] if detail.tests else None
    tables = [
        Table(
            name="checks", title="What the last test found",
            listing=list_checks(last.checks if last else ()), next_step="Test it now.",
        ),
        Table(name="tests", title="Tests", listing=list_tests(detail.tests)),
        Table(name="secrets", title="Logs in with", listing=_list_uses(detail.secrets)),
        Table(name="settings", title="Settings", listing=_list_settings(detail.settings)),
    ]  # fmt: skip
    if detail.models:
        tables.insert(
            1, Table(name="models", title="Who writes", listing=list_models(detail.models))
        )
    if detail.unsettled:
        listing = list_unsettled(detail.unsettled)
        tables.insert(1, Table(name="unsettled", title="Outcome not known", listing=listing))
    return tables


def _list_uses(uses: list[SecretUse]) -> Listing:
    missing = State(word="missing", tone=Tone.WRONG)
    kept = State(word="kept elsewhere", tone=Tone.IDLE)
    return Listing(
        columns=("Setting", "Reference", "Key", "Saved (UTC)"),
        rows=[
            (
                one.setting, one.reference,
                missing if one.is_missing else one.key_id or kept, one.saved_at,
            )
            for one in uses
        ],
        empty="It needs no secret.",
    )  # fmt: skip


def _list_settings(settings: dict[str, str]) -> Listing:
    return Listing(columns=("Setting", "Value"), rows=sorted(settings.items()))


def _draw(detail: ConnectionDetail) -> list[Chart]:
    requests = detail.requests
    if requests is None:
        return []
    parts = _sum_parts(requests)
    minute = Listing(columns=("Seconds ago", "Requests"), rows=parts)
    charts = [] if not requests.used else [
        Chart(
            name="minute", title="Requests of the last minute",
            alt=f"{requests.used} of {requests.allowance} requests were sent in the last minute.",
            spec=plot_columns(
                [Bar(label=label, amount=Decimal(its), text=str(its)) for label, its in parts],
                title="requests",
            ),
            table=Table(name="minute-table", title="Last minute", listing=minute),
        )
    ]  # fmt: skip
    if len(detail.minutes) > 1:
        charts.append(_draw_day(detail, requests))
    return charts


def _draw_day(detail: ConnectionDetail, requests: Requests) -> Chart:
    most = max(detail.minutes, key=lambda one: one.requests)
    # A line that steps needs its last step too.
    points = [Point(at=one.minute, value=one.requests) for one in detail.minutes]
    last = Point(at=points[-1].at + timedelta(minutes=1), value=points[-1].value)
    return Chart(
        name="day", title="Requests minute by minute",
        alt=f"At most {most.requests} requests in one minute, at {most.minute:%H:%M} UTC, of"
        f" {requests.allowance}.",
        spec=plot_line([*points, last], title="requests", limit=requests.allowance),
        table=Table(name="day-table", title="Minutes", listing=list_minutes(detail.minutes)),
    )  # fmt: skip


def _sum_parts(requests: Requests) -> list[tuple[str, int]]:
    counts = requests.by_second
    return [
        (str(len(counts) - at), sum(counts[at : at + PART_S]))
        for at in range(0, len(counts), PART_S)
    ]
