"""What the models have refused: by cause, one by one, with the lines behind each."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml_connector.errors import ConnectorError
from ml_connector.flows.answers import refused_listings as listings
from ml_connector.flows.answers.listing import Money
from ml_connector.ports import RefusedSummary, RefusedTally, Right
from ml_connector.web.charts import Bar, Chart, find_chart, plot_pareto
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table, find_file
from ml_connector.web.views.actions import answer, find_flow, read_key

SHOWN = 100
CAUSES_SHOWN = 100
CAUSES_DRAWN = 12
TALLIES_MAX = 5_000
"""Of each page; the most frequent are among them."""
NUMBERS_MAX = 500
"""Summaries chosen one by one in one form."""
DIGITS_MAX = 18


@needs(Right.SEE)
def show_refused(request: Asked) -> HttpResponse:
    """Why summaries were refused, most first: how many, and how much the models lack."""
    flows = sorted(request.house.project.flows)
    flow, period = request.GET.get("flow", ""), request.GET.get("period", "")
    tallies = _load_tallies(request, [flow] if flow in flows else flows)
    causes = listings.gather_causes(tallies, period=period)
    tables = [
        Table(
            name="causes", title="Causes", is_main=True,
            listing=listings.list_causes(causes[:CAUSES_SHOWN]),
            next_step="What a run is refused appears here, with what to mend.",
        )
    ]  # fmt: skip
    charts = _draw_causes(causes[:CAUSES_DRAWN])
    shown = {
        "tables": tables, "charts": charts, "flow": flow, "flows": flows, "period": period,
        "periods": sorted({one.period for one in tallies if one.period}),
        "count": sum(one.count for one in causes), "left_out": len(causes[CAUSES_SHOWN:]),
        "more": _render_query(flow=flow, period=period, lead="&"),
    }  # fmt: skip
    found = find_chart(request, charts) or find_file(request, tables)
    return found or render(request, "pages/refusals.html", shown)


def _draw_causes(causes: Sequence[listings.Cause]) -> list[Chart]:
    """Which few causes make the most of it; nothing to draw where there is one."""
    if len(causes) <= 1:
        return []
    bars = [
        Bar(label=label, amount=Decimal(cause.count), text=f"{cause.count:,}")
        for cause, label in zip(causes, _name_causes(causes), strict=True)
    ]
    first = causes[0]
    return [
        Chart(
            name="pareto", title="Summaries by cause",
            alt=f"Most are refused because: {first.text}: {first.count:,} of them,"
            f" {first.share} %.",
            spec=plot_pareto(bars, title="summaries"),
            table=Table(
                name="pareto-table", title="Summaries by cause",
                listing=listings.list_causes(causes),
            ),
        )
    ]  # fmt: skip


def _name_causes(causes: Sequence[listings.Cause]) -> list[str]:
    """The causes as labels; of several flows or currencies each says first which are its own.

    A picture that is too narrow for a label cuts its end; the table below has the whole.
    """
    several = [len({one.flow for one in causes}) > 1, len({one.currency for one in causes}) > 1]
    labels = []
    for one in causes:
        parts = (one.flow if several[0] else "", one.currency if several[1] else "")
        own = " ".join(part for part in parts if part)
        labels.append(" · ".join(filter(None, (own, listings.tell_cause(one.text)))))
    return labels


@needs(Right.SEE)
def show_cause(request: Asked, cause: str) -> HttpResponse:
    """The summaries refused for one cause, a period at a time, to be looked at or sent again."""
    return _show_cause(request, cause)


@needs(Right.SEE)
def show_lines(request: Asked, summary: str) -> HttpResponse:
    """The journal lines that make up one refused summary."""
    name, _, number = summary.rpartition("/")
    flow = find_flow(request, name)
    rows = request.house.records.loads.find_refused(name, _read_numbers([number]))
    if not rows or flow.kind != "actuals":
        raise Http404("Nothing of that number is refused and open.")
    try:
        found = request.house.join_refusal(rows[0])
    except ConnectorError as error:
        shown = {"error": error, "row": rows[0], "place": _place_of(rows[0])}
        return render(request, "pages/refusals_lines.html", shown, status=422)
    tables = [Table(name="lines", title="Journal lines", listing=listings.list_ways(found.lines))]
    names = [one.column for one in flow.dimensions]
    is_fit = len(names) == len(rows[0].key)
    shown = {
        "row": rows[0], "tables": tables, "lines_more": found.lines_more,
        "key": list(zip(names, rows[0].key, strict=True)) if is_fit else [],
        "lacking": Money(amount=rows[0].lacking, currency=rows[0].currency),
        "cause": listings.tell_cause(rows[0].cause), "place": _place_of(rows[0]),
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/refusals_lines.html", shown)


@needs(Right.RUN)
@require_POST
def replay_some(request: Asked, cause: str) -> HttpResponse:
    """The chosen summaries are sent again, or all of the cause."""
    name, tallies = _find_cause(request, cause)
    rows = request.house.records.loads.find_refused(
        name, _read_numbers(request.POST.getlist("number"))
    )
    is_all = "all" in request.POST
    if not rows and not is_all:
        return _show_cause(request, cause, is_nothing_chosen=True)
    chosen: dict[str, Any] = (
        {"causes": [tallies[0].cause]} if is_all else {"keys": [list(row.key) for row in rows]}
    )
    key = read_key(request)
    return answer(
        request,
        lambda: request.house.enqueue_replay(name, chosen, key=key),
        back=reverse("cause", args=[cause]),
    )


def _show_cause(request: Asked, place: str, *, is_nothing_chosen: bool = False) -> HttpResponse:
    name, tallies = _find_cause(request, place)
    flow = find_flow(request, name)
    periods = [one.period for one in tallies]
    period = request.GET.get("period", "")
    period = period if period in periods else periods[0]
    after = next(iter(_read_numbers([request.GET.get("after", "")])), 0)
    found = request.house.records.loads.load_refused_page(
        name, cause=tallies[0].cause, period=period, after=after, limit=SHOWN + 1
    )
    rows = found[:SHOWN]
    dimensions = [one.column for one in getattr(flow, "dimensions", ())]
    listing = listings.list_summaries(rows, dimensions=dimensions)
    tables = [Table(name="summaries", title="Summaries", listing=listing)]
    # The cause says it above the table already; files tell each row's own words.
    short = listings.list_summaries(rows, dimensions=dimensions, has_words=False)
    table = Table(name="summaries", title="Summaries", listing=short)
    shown = {
        "flow": flow, "cause": listings.tell_cause(tallies[0].cause), "place": place,
        "tallies": [
            (one, Money(amount=one.amount, currency=one.currency), one.period == period)
            for one in tallies
        ],
        "period": period, "table": table,
        "rows": [
            (row, cells, f"{name}/{row.number}")
            for row, cells in zip(rows, table.rows, strict=True)
        ],
        "count": sum(one.count for one in tallies), "is_replayed": flow.kind == "actuals",
        "further": _render_query(period=period, after=rows[-1].number) if found[SHOWN:] else "",
        "is_later": after > 0, "is_nothing_chosen": is_nothing_chosen,
        "more": _render_query(period=period, after=after, lead="&"),
        "busy": request.house.records.runs.find_unfinished(name),
    }  # fmt: skip
    answered = find_file(request, tables)
    status = 422 if is_nothing_chosen else 200
    return answered or render(request, "pages/refusals_cause.html", shown, status=status)


def _load_tallies(request: Asked, flows: list[str]) -> list[RefusedTally]:
    return request.house.records.loads.load_tallies(flows=flows, limit=TALLIES_MAX)


def _find_cause(request: Asked, place: str) -> tuple[str, list[RefusedTally]]:
    """The flow, and what is open of the cause by period and currency, most first."""
    name, _, digest = place.rpartition("/")
    find_flow(request, name)
    tallies = [
        one for one in _load_tallies(request, [name]) if listings.digest_cause(one.cause) == digest
    ]
    if not tallies:
        raise Http404("Nothing is refused for that cause any more.")
    return name, tallies


def _place_of(row: RefusedSummary) -> str:
    return f"{row.flow}/{listings.digest_cause(row.cause)}"


def _read_numbers(texts: list[str]) -> list[int]:
    plain = [text for text in texts[:NUMBERS_MAX] if text.isdecimal() and len(text) <= DIGITS_MAX]
    return [int(text) for text in plain]


def _render_query(*, lead: str = "?", **asked: object) -> str:
    given = {name: value for name, value in asked.items() if value}
    return f"{lead}{urlencode(given)}" if given else ""
