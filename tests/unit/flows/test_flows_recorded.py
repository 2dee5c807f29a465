"""The steps of every flow are those that runs of this engine version have recorded.

`recorded_steps.txt` holds the steps that a common run of each flow records, in their order. A run
that a process of the same version began goes on by them. What a step's result holds more or less is
the code's own business: it reads what was stored without it, or the version is raised as well.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.approved_desk import build_budget
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line
from tests.fakes.list_desk import make_list_desk, supplier
from tests.fakes.revised_desk import build_revised_desk
from tests.fakes.steps import FakeSteps

from ml_connector.flows.dimensions import run_dimensions
from ml_connector.wiring.engines import APPLICATION_VERSION

RECORDED = Path(__file__).with_name("recorded_steps.txt")
RECORD = "RECORD_STEPS"
HINT = (
    "Raise APPLICATION_VERSION in wiring/engines.py when a release has the version already; name"
    f" the one before in MOVES_FROM where the change asks `is_changed`. Then type {RECORD}=1 before"
    " this test's command, which records anew."
)
MakeDesk = Callable[..., FakeDesk]


def record_actuals(desk: FakeDesk) -> FakeSteps:
    """The first run of a ledger of one batch."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))
    desk.run()
    return desk.steps[f"{desk.flow.name}-1"]


def record_dimensions(desk: FakeDesk) -> FakeSteps:
    """The first load of two members."""
    lists = make_list_desk(desk)
    lists.supply(supplier("1"), supplier("2"))
    steps = FakeSteps(run_id="run-1")
    lists.records.runs.create_run(
        run_id=steps.run_id, flow=lists.flow.name, kind="dimensions", actor="tester", request={}
    )
    run_dimensions(steps, {}, lists.bench())
    return steps


def record_budget(desk: FakeDesk) -> FakeSteps:
    """An approved budget that becomes two journals."""
    budget = build_budget(desk)
    budget.run()
    return budget.steps["budgets-1"]


def record_suppliers(desk: FakeDesk) -> FakeSteps:
    """A revised list of three suppliers."""
    revised = build_revised_desk(desk)
    revised.run()
    return revised.steps["revisions-1"]


FLOWS: dict[str, Callable[[FakeDesk], FakeSteps]] = {
    "actuals": record_actuals,
    "dimensions": record_dimensions,
    "budget": record_budget,
    "suppliers": record_suppliers,
}


def render(flow: str, history: list[tuple[str, Any]]) -> list[str]:
    """A line for each step."""
    return [f"{flow} | {name}" for name, _ in history]


def test_steps_are_those_that_runs_of_this_version_have_recorded(make_desk: MakeDesk) -> None:
    """Who changes them raises the version, or recorded runs would stop, or worse, go on wrongly."""
    lines = [f"version {APPLICATION_VERSION}"]
    for flow, run in FLOWS.items():
        lines += render(flow, run(make_desk()).history)
    if os.environ.get(RECORD):
        RECORDED.write_text("\n".join(lines) + "\n")
    assert lines == RECORDED.read_text().splitlines(), HINT
