"""F2 from end to end, on real sockets: ledger in, model out, tied out, late entries, refusals."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.ports import RunRow, RunState
from ml_connector.wiring import House, open_house

FLOW = "actuals-fusion"
FROM_AUGUST = {"first_month": "2026-08", "ledgers": ["Halden US", "Halden Japan"]}


class Desk:
    """A project and its house, opened anew for each command as a person would."""

    def __init__(self, company: Any, root: Path) -> None:
        self.company = company
        self.root = root
        self.clock = company.clock()

    def run(self, request: dict[str, Any] | None = None, *, flow: str = FLOW) -> RunRow:
        """A run of the flow."""
        with open_house(self.root, clock=self.clock) as house:
            return house.run(flow, request or {})

    def look(self) -> ExitStack:
        """For `with`: the open house."""
        return ExitStack()


@pytest.fixture
def desk(company: Any, projects: Any) -> Iterator[Desk]:
    """A project of two ledgers from August on, its lists filled by F1."""
    yield Desk(company, projects.make(**FROM_AUGUST))


def unexplained(row: RunRow) -> set[Decimal]:
    """The unexplained amounts of a run's tie-out."""
    return {Decimal(its["unexplained"]) for its in row.summary["tie_out"]}


def test_actuals_land_and_tie_out_then_a_second_run_moves_nothing(desk: Desk) -> None:
    """What the ledger posted is in the model to the cent, and repeating changes nothing."""
    first = desk.run()
    cells = desk.company.cells()
    second = desk.run()

    assert first.state is RunState.SUCCEEDED
    assert first.summary["cells"] == len(cells) > 100
    assert unexplained(first) == {Decimal(0)}
    assert second.state is RunState.SUCCEEDED
    assert second.summary["periods"] == []
    assert desk.company.cells() == cells
    assert len(desk.company.starts("/imports/112000000005/")) == 1
