"""The run history, and one run as it goes."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render

from ml_connector.errors import UsageError
from ml_connector.flows.answers.actuals_listings import list_plan, list_tie_out
from ml_connector.flows.answers.listing import Link, Listing, State, Tone
from ml_connector.ports import Right, RunRow, RunState, StepRow
from ml_connector.web.guards import Asked, needs
from ml_connector.web.states import show_state
from ml_connector.web.tables import Table, find_file

RUNS_SHOWN = 100
LIVE = frozenset({RunState.QUEUED, RunState.RUNNING})
STEP_TONES = {"done": Tone.GOOD, "running": Tone.BUSY, "failed": Tone.WRONG}


def list_runs(runs: Sequence[RunRow]) -> Listing:
    """Runs as a table, newest first."""
    return Listing(
        columns=("Run", "Flow", "State", "By", "Started (UTC)", "Ended (UTC)"),
        rows=[
            (
                Link(text=row.run_id, kind="run", key=row.run_id),
                Link(text=row.flow, kind="flow", key=row.flow),
                show_state(row.state), row.actor, row.created_at, row.finished_at,
            )
            for row in runs
        ],
        empty="No run yet.",
    )  # fmt: skip


@needs(Right.SEE)
def show_runs(request: Asked) -> HttpResponse:
    """The newest runs, of one flow where one is named."""
    flow = request.GET.get("flow") or None
    runs = request.house.records.runs.load_runs(flow=flow, limit=RUNS_SHOWN)
    tables = [
        Table(
            name="runs", title="Runs", listing=list_runs(runs), is_main=True,
            next_step="Start one: `ml-connector run FLOW`.",
        )
    ]  # fmt: skip
    asked = {"tables": tables, "flow": flow, "flows": sorted(request.house.project.flows)}
    return find_file(request, tables) or render(request, "pages/runs.html", asked)


@needs(Right.SEE)
def show_run(request: Asked, run_id: str) -> HttpResponse:
    """A run: what it came to, its steps, what stopped it; parts of it renew themselves."""
    try:
        run = request.house.records.runs.load_run(run_id)
    except UsageError as error:
        raise Http404(error.refused) from error
    steps = request.house.records.runs.load_steps(run.run_id)
    tables = [*_list_result(run), Table(name="steps", title="Steps", listing=_list_steps(steps))]
    template = "pages/run_live.html" if getattr(request, "htmx", False) else "pages/run.html"
    shown: dict[str, Any] = {
        "run": run, "state": show_state(run.state), "is_live": run.state in LIVE,
        "steps": tables[-1], "tables": tables[:-1],
        "phase": next((step.name for step in reversed(steps) if not step.finished_at), ""),
    }  # fmt: skip
    return find_file(request, tables) or render(request, template, shown)


def _list_result(run: RunRow) -> list[Table]:
    """What the run came to, in money; only runs of actuals have a table of it."""
    if run.kind != "actuals" or not run.summary.get("tie_out"):
        return []
    if run.summary.get("dry_run"):
        return [Table(name="plan", title="Plan", listing=list_plan(run.summary))]
    return [Table(name="tie-out", title="Tie-out", listing=list_tie_out(run.summary))]


def _list_steps(steps: Sequence[StepRow]) -> Listing:
    return Listing(
        columns=("Step", "Attempt", "State", "Started (UTC)", "Seconds"),
        rows=[
            (
                step.name, step.attempt,
                State(word=step.state, tone=STEP_TONES.get(step.state, Tone.WAITS)),
                step.started_at, _seconds(step),
            )
            for step in steps
        ],
        empty="Nothing was done yet.",
    )  # fmt: skip


def _seconds(step: StepRow) -> str:
    if step.finished_at is None:
        return ""
    return f"{(step.finished_at - step.started_at).total_seconds():.1f}"
