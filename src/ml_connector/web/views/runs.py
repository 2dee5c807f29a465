"""The run history, and one run as it goes."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from ml_connector.errors import UsageError
from ml_connector.flows.answers.listing import Link, Listing, State, Tone, render_cell
from ml_connector.flows.answers.phases import (
    NOT_FINISHED,
    RUNNING,
    list_phases,
    list_waiting,
    show_phases,
)
from ml_connector.flows.answers.run_listings import (
    Bridge,
    list_bridge,
    list_bridges,
    list_loads,
    list_pins,
    list_results,
)
from ml_connector.ports import Right, RunRow, RunState, StepRow
from ml_connector.web.charts import Chart, Step, find_chart, find_drawn, plot_waterfall
from ml_connector.web.guards import Asked, needs
from ml_connector.web.states import show_state
from ml_connector.web.tables import Table, find_file

RUNS_SHOWN = 100
LIVE = frozenset({RunState.QUEUED, RunState.RUNNING})
STEP_TONES = {"done": Tone.GOOD, "running": Tone.BUSY, "failed": Tone.WRONG}
ASKED_WORDS = {
    "dry_run": "only looked", "reconcile": "only compared", "replay": "refused ones again",
    "remap": "mapped anew", "against": "against the model", "backfill": "read anew",
    "apply": "a saved plan",
}  # fmt: skip
"""What was asked of a run, in words."""


def list_runs(runs: Sequence[RunRow]) -> Listing:
    """Runs as a table, newest first."""
    return Listing(
        columns=("Run", "Flow", "State", "Asked for", "By", "Started (UTC)", "Ended (UTC)"),
        rows=[
            (
                Link(text=row.run_id, kind="run", key=row.run_id),
                Link(text=row.flow, kind="flow", key=row.flow),
                show_state(row.state), tell_asked(row), row.actor, row.created_at, row.finished_at,
            )
            for row in runs
        ],
        empty="No run yet.",
    )  # fmt: skip


def tell_asked(run: RunRow) -> str:
    """What was asked of the run, in words; empty where it was just run."""
    asked = run.request
    months = [asked.get("month_first"), asked.get("month_last")]
    span = " to ".join(dict.fromkeys(str(month) for month in months if month))
    of = f" of {asked['ledger']}" if asked.get("ledger") else ""
    words = [*(f"{period}{of}" for period in asked.get("periods") or ()), span]
    words += [word for name, word in ASKED_WORDS.items() if asked.get(name)]
    return ", ".join(word for word in words if word)


@needs(Right.SEE)
def show_runs(request: Asked) -> HttpResponse:
    """Runs, newest first, of one flow where one is named; older ones a page further."""
    flow, before = request.GET.get("flow") or None, request.GET.get("before", "")
    try:
        found = request.house.records.runs.load_runs(flow=flow, limit=RUNS_SHOWN + 1, before=before)
    except UsageError as error:
        raise Http404(error.refused) from error
    runs = found[:RUNS_SHOWN]
    tables = [
        Table(
            name="runs", title="Runs", listing=list_runs(runs), is_main=True,
            next_step="Start one: `ml-connector run FLOW`.",
        )
    ]  # fmt: skip
    asked = {
        "tables": tables, "flow": flow, "flows": sorted(request.house.project.flows),
        "older": runs[-1].run_id if len(found) > RUNS_SHOWN else "", "before": before,
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/runs.html", asked)


@needs(Right.SEE)
def show_run(request: Asked, run_id: str) -> HttpResponse:
    """A run: what it came to, its phases, what stopped it; parts of it renew themselves."""
    if drawn := find_drawn(request):
        return drawn
    try:
        run = request.house.records.runs.load_run(run_id)
    except UsageError as error:
        raise Http404(error.refused) from error
    steps = request.house.records.runs.load_steps(run.run_id)
    phases = list_phases(run.kind, steps)
    is_live = run.state in LIVE
    now = request.house.clock.now() if is_live else None
    charts = [_chart_bridge(bridge) for bridge in list_bridges(run.summary)]
    tables = _list_tables(request, run, steps)
    phase_table = Table(
        name="phases", title="Phases", listing=show_phases(phases, run.summary, now)
    )
    step_table = Table(name="steps", title="Steps", listing=_list_steps(steps, is_live=is_live))
    files = [*tables, phase_table, step_table, *(chart.table for chart in charts)]
    if found := find_chart(request, charts) or find_file(request, files):
        return found
    is_part = getattr(request, "htmx", False)
    if is_part and "steps" in request.GET:
        return render(request, "pages/table.html", {"table": step_table})
    shown: dict[str, Any] = {
        "run": run, "state": show_state(run.state), "is_live": is_live,
        "steps": step_table, "tables": tables, "phases": phase_table, "charts": charts,
        "asked": tell_asked(run), "phase": ", ".join(list_waiting(phases)),
        "waiting": request.house.find_waiting(run),
    }  # fmt: skip
    return render(request, "pages/run_live.html" if is_part else "pages/run.html", shown)


@needs(Right.SEE)
def show_file(request: Asked, file: str) -> HttpResponse | StreamingHttpResponse:
    """What the model said of a load: its result as it came, or a dump of refused rows."""
    run_id, _, file_hash = file.strip("/").partition("/")
    try:
        content = request.house.read_run_file(run_id, file_hash)
    except UsageError as error:
        raise Http404(error.refused) from error
    name = f"{run_id}-{file_hash[:12]}.txt"
    return StreamingHttpResponse(
        content, content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _list_tables(request: Asked, run: RunRow, steps: Sequence[StepRow]) -> list[Table]:
    """What the run came to, its loads, and what it was pinned to; those that hold something."""
    found = [
        Table(name=one.name, title=one.title, listing=one.listing)
        for one in list_results(run.kind, run.summary)
    ]
    loads = list_loads(request.house.records.loads.load_loads(run_id=run.run_id))
    found.append(Table(name="loads", title="Loads", listing=loads))
    found.append(Table(name="pins", title="What it holds on to", listing=list_pins(steps)))
    return [one for one in found if one.listing.rows]


def _chart_bridge(bridge: Bridge) -> Chart:
    listing = list_bridge(bridge)
    steps = [Step(label="ledger", amount=bridge.whole, is_total=True, tone="accent")]
    steps += [Step(label=name, amount=amount, tone=tone) for name, amount, tone in bridge.parts]
    steps.append(Step(label=bridge.end, amount=bridge.left, is_total=True, tone=Tone.GOOD))
    told = [" ".join(render_cell(cell, grouped=True) for cell in row) for row in listing.rows]
    return Chart(
        name=f"bridge-{bridge.currency}",
        title=f"From the ledger to the model, debits in {bridge.currency}",
        alt=f"{', '.join(told)} {bridge.currency}.",
        spec=plot_waterfall(steps, currency=bridge.currency),
        table=Table(
            name=f"bridge-{bridge.currency}-table", title=f"Bridge in {bridge.currency}",
            listing=listing,
        ),
    )  # fmt: skip


def _list_steps(steps: Sequence[StepRow], *, is_live: bool) -> Listing:
    return Listing(
        columns=("Step", "Attempt", "State", "Started (UTC)", "Seconds"),
        rows=[
            (
                step.name, step.attempt,
                _show_step(step, is_live=is_live),
                step.started_at, _seconds(step),
            )
            for step in steps
        ],
        empty="Nothing was done yet.",
    )  # fmt: skip


def _show_step(step: StepRow, *, is_live: bool) -> State:
    if step.state == RUNNING and not is_live:
        return NOT_FINISHED
    return State(word=step.state, tone=STEP_TONES.get(step.state, Tone.WAITS))


def _seconds(step: StepRow) -> str:
    if step.finished_at is None:
        return ""
    return f"{(step.finished_at - step.started_at).total_seconds():.1f}"
