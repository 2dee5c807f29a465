"""Where everything stands: the flows, and how one of them is."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from ml_connector.domain.money import ZERO, exact_money
from ml_connector.errors import UsageError
from ml_connector.flows.answers.health import Finding, find_worst, judge_flow, sum_debits, tone_of
from ml_connector.flows.answers.listing import Cell, Link, Listing, Money, render_money
from ml_connector.flows.answers.phases import list_phases
from ml_connector.ports import Right, RunRow, StepRow
from ml_connector.web.charts import (
    Bar,
    Chart,
    Slice,
    find_chart,
    find_drawn,
    plot_columns,
    plot_stack,
)
from ml_connector.web.guards import Asked, needs
from ml_connector.web.states import NEVER, show_state
from ml_connector.web.tables import Table, find_file
from ml_connector.web.views.runs import tell_asked

NAMED_MAX = 3
"""Periods named in one cell; more are counted."""
TIMED_MAX = 8
"""Runs whose phases are drawn beside each other."""
WAYS = {"run": ("run", True), "close": ("first", False), "unmapped": ("unmapped", False),
        "refusals": ("refused", False), "connection": ("connection", True)}  # fmt: skip
"""Pages that help, and whether their address holds what they are about; else `?flow=` says it."""


@needs(Right.SEE)
def show_flows(request: Asked) -> HttpResponse:
    """Each flow: how its last run ended, what it owes, what was refused."""
    records = request.house.records
    rows, flows = [], request.house.project.flows
    refused: Counter[str] = Counter()
    for row in records.loads.load_tallies(flows=list(flows)):
        refused[row.flow] += row.count
    for name, flow in sorted(flows.items()):
        last = next(iter(records.runs.load_runs(flow=name, limit=1)), None)
        owed = {period for _, period in records.batches.load_touched(name)}
        rows.append(
            (
                Link(text=name, kind="flow", key=name), flow.kind,
                show_state(last.state) if last else NEVER,
                Link(text=last.run_id, kind="run", key=last.run_id) if last else None,
                last.finished_at if last else None, _name_some(owed),
                refused[name],
            )
        )  # fmt: skip
    columns = ("Flow", "Kind", "State", "Last run", "Ended (UTC)", "Periods owed", "Refused")
    tables = [
        Table(
            name="flows", title="Flows", listing=Listing(columns=columns, rows=rows),
            is_main=True, next_step="Write one: `ml-connector init` shows what a flow looks like.",
        )
    ]  # fmt: skip
    return find_file(request, tables) or render(request, "pages/flows.html", {"tables": tables})


def _name_some(periods: set[str]) -> str:
    """A few by name, many by number."""
    return f"{len(periods)} periods" if len(periods) > NAMED_MAX else ", ".join(sorted(periods))


@needs(Right.SEE)
def show_flow(request: Asked, name: str) -> HttpResponse:
    """One flow: its health, its last runs, how much they brought and how long they took."""
    if drawn := find_drawn(request):
        return drawn
    try:
        flow = request.house.flow(name)
    except UsageError as error:
        raise Http404(error.refused) from error
    facts = request.house.load_flow_facts(name)
    findings = judge_flow(facts, request.house.clock.now())
    timings = request.house.records.runs.load_timings(
        [run.run_id for run in facts.runs[:TIMED_MAX]]
    )
    charts = [*_chart_amounts(facts.runs), *_chart_phases(flow.kind, facts.runs, timings)]
    table = Table(
        name="runs", title="Last runs", listing=list_history(facts.runs),
        next_step=f"Start one: `ml-connector run {name}`.",
    )  # fmt: skip
    files = [table, *(one.table for one in charts)]
    shown: dict[str, Any] = {
        "flow": flow, "tables": [table], "charts": charts, "health": find_worst(findings),
        "findings": [(one, _find_way(one)) for one in findings],
    }  # fmt: skip
    return (
        find_chart(request, charts)
        or find_file(request, files)
        or render(request, "pages/flow.html", shown)
    )


def list_history(runs: Sequence[RunRow]) -> Listing:
    """The last runs of a flow, newest first, with what each brought."""
    return Listing(
        columns=("Run", "State", "Asked for", "By", "Started (UTC)", "Seconds", "Lines", "Debits",
                 "Refused"),
        rows=[
            (
                Link(text=run.run_id, kind="run", key=run.run_id), show_state(run.state),
                tell_asked(run), run.actor, run.created_at, _seconds(run),
                _count(run, "lines"), _find_main(run), _count(run, "refused"),
            )
            for run in runs
        ],
        empty="No run yet.",
    )  # fmt: skip


def _seconds(run: RunRow) -> Decimal | None:
    if run.finished_at is None:
        return None
    return Decimal(f"{(run.finished_at - run.created_at).total_seconds():.1f}")


def _count(run: RunRow, name: str) -> int | None:
    found = run.summary.get(name)
    return found if isinstance(found, int) else None


def _find_main(run: RunRow) -> Cell:
    """The debits of the currency that most money went by in; nothing where none did."""
    debits = sum_debits(run.summary)
    if not debits:
        return None
    currency = max(debits, key=lambda name: (debits[name], name))
    return Money(amount=debits[currency], currency=currency)


def _chart_amounts(runs: Sequence[RunRow]) -> list[Chart]:
    """Lines and debits of each of the last runs, oldest first."""
    shown = [run for run in reversed(runs) if _count(run, "lines")]
    if not shown:
        return []
    lines = [(run, Decimal(_count(run, "lines") or 0)) for run in shown]
    totals = [sum_debits(run.summary) for run in shown]
    with exact_money():
        by_currency = {
            name: sum((its.get(name, ZERO) for its in totals), ZERO)
            for name in set(chain.from_iterable(totals))
        }
    found = [_chart_runs("lines", "Lines per run", lines, unit="")]
    if by_currency:
        main = max(by_currency, key=lambda name: (by_currency[name], name))
        debits = [(run, its.get(main, ZERO)) for run, its in zip(shown, totals, strict=True)]
        found.append(_chart_runs("debits", f"Debits per run in {main}", debits, unit=main))
    return found


def _chart_runs(
    name: str, title: str, rows: Sequence[tuple[RunRow, Decimal]], *, unit: str
) -> Chart:
    bars = [
        Bar(label=f"{run.created_at:%m-%d %H:%M}", amount=amount, tone=_tone(run))
        for run, amount in rows
    ]
    listing = Listing(
        columns=("Run", "Started (UTC)", title),
        rows=[
            (Link(text=run.run_id, kind="run", key=run.run_id), run.created_at,
             Money(amount=amount, currency=unit) if unit else int(amount))
            for run, amount in rows
        ],
    )  # fmt: skip
    newest = rows[-1][1]
    told = render_money(Money(amount=newest, currency=unit)) if unit else f"{int(newest):,}"
    return Chart(
        name=name, title=title, alt=f"{title}, {len(rows)} runs; the newest {told} {unit}".strip(),
        spec=plot_columns(bars, title=unit or "lines"),
        table=Table(name=f"{name}-table", title=title, listing=listing),
    )  # fmt: skip


def _tone(run: RunRow) -> str:
    """Good runs in the colour of the house; others in that of their state."""
    tone = tone_of(run.state).value
    return "accent" if tone == "good" else tone


def _chart_phases(
    kind: str, runs: Sequence[RunRow], timings: dict[str, list[StepRow]]
) -> list[Chart]:
    """How long each phase of the last runs took."""
    slices, rows = [], []
    for run in runs[:TIMED_MAX]:
        for phase in list_phases(kind, timings.get(run.run_id, ())):
            took = phase.measure(run.finished_at or run.created_at)
            if not phase.steps or took < 0:
                continue
            label = f"{run.created_at:%m-%d %H:%M}"
            slices.append(Slice(label=label, part=phase.name, amount=took))
            rows.append((Link(text=run.run_id, kind="run", key=run.run_id), phase.name, took))
    if not slices:
        return []
    listing = Listing(columns=("Run", "Phase", "Seconds"), rows=rows)
    with exact_money():
        newest = sum((row[2] for row in rows if row[0] == rows[0][0]), ZERO)
    return [
        Chart(
            name="phases", title="Duration by phase",
            alt=f"Seconds by phase of {min(len(runs), TIMED_MAX)} runs; the newest took {newest}.",
            spec=plot_stack(slices, title="seconds"),
            table=Table(name="phases-table", title="Duration by phase", listing=listing),
        )
    ]  # fmt: skip


def _find_way(finding: Finding) -> str:
    """The page that helps; empty where there is none."""
    if finding.way not in WAYS:
        return ""
    page, is_named = WAYS[finding.way]
    try:
        if is_named:
            return reverse(page, args=[finding.key])
        return f"{reverse(page)}?flow={finding.key}"
    except NoReverseMatch:
        return ""
