"""Where everything stands: the flows, and one of them."""

from django.http import Http404, HttpResponse
from django.shortcuts import render

from ml_connector.errors import UsageError
from ml_connector.flows.answers.listing import Link, Listing
from ml_connector.ports import Right
from ml_connector.web.guards import Asked, needs
from ml_connector.web.states import NEVER, show_state
from ml_connector.web.tables import Table, find_file
from ml_connector.web.views.runs import list_runs

RUNS_SHOWN = 20
NAMED_MAX = 3
"""Periods named in one cell; more are counted."""


@needs(Right.SEE)
def show_flows(request: Asked) -> HttpResponse:
    """Each flow: how its last run ended, what it owes, what was refused."""
    records = request.house.records
    rows = []
    for name, flow in sorted(request.house.project.flows.items()):
        last = next(iter(records.runs.load_runs(flow=name, limit=1)), None)
        owed = {period for _, period in records.batches.load_touched(name)}
        rows.append(
            (
                Link(text=name, kind="flow", key=name), flow.kind,
                show_state(last.state) if last else NEVER,
                Link(text=last.run_id, kind="run", key=last.run_id) if last else None,
                last.finished_at if last else None, _name_some(owed),
                len(records.loads.load_refused(name)),
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
    """One flow: its runs."""
    try:
        flow = request.house.flow(name)
    except UsageError as error:
        raise Http404(error.refused) from error
    runs = request.house.records.runs.load_runs(flow=name, limit=RUNS_SHOWN)
    tables = [
        Table(
            name="runs", title="Last runs", listing=list_runs(runs),
            next_step=f"Start one: `ml-connector run {name}`.",
        )
    ]  # fmt: skip
    answer = find_file(request, tables)
    return answer or render(request, "pages/flow.html", {"flow": flow, "tables": tables})
