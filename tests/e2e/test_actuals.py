"""F2 from end to end, on real sockets: ledger in, model out, tied out, late entries, refusals."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.ports import RunRow, RunState
from ml_connector.wiring import open_house

FLOW = "actuals-fusion"
SEPTEMBER = "Sep 26"
FROM_SEPTEMBER = {"first_month": "2026-09", "ledgers": ["Halden US", "Halden Japan"]}
MISTAKE = "account,account=6899*,69990,,,,Late accruals share one account.\n"


@dataclass(slots=True)
class Desk:
    """A project and its house, opened anew for each command as a person would."""

    company: Any
    root: Path
    clock: Any

    def run(self, flow: str = FLOW, **request: Any) -> RunRow:
        """A run of the flow."""
        with open_house(self.root, clock=self.clock) as house:
            return house.run(flow, request)

    def add_rule(self, line: str) -> None:
        """The mapping file begins with one rule more."""
        path = self.root / "mappings" / f"{FLOW}.csv"
        header, _, rules = path.read_text().partition("\n")
        path.write_text(f"{header}\n{line}{rules}")

    def cut_flow(self, name: str) -> None:
        """Another flow of the project has the same ledgers and first month."""
        path = self.root / "flows" / f"{name}.yaml"
        text = path.read_text().replace("first_month: 2024-01", "first_month: 2026-09")
        ledgers = "ledgers: [Halden US, Halden Canada, Halden Japan, Halden Kuwait]"
        assert ledgers in text
        path.write_text(text.replace(ledgers, "ledgers: [Halden US, Halden Japan]"))


@pytest.fixture
def desk(company: Any, projects: Any) -> Desk:
    """A project of two ledgers from September on."""
    return Desk(company, projects.make(**FROM_SEPTEMBER), company.clock())


def unexplained(row: RunRow) -> set[str]:
    """The unexplained amounts of a run's tie-out."""
    return {its["unexplained"] for its in row.summary["tie_out"]}


def periods_of(cells: dict[str, str]) -> set[str]:
    """The planning periods the cells lie in."""
    return {json.loads(key)["Time"] for key in cells}


def test_actuals_land_and_tie_out_then_a_second_run_moves_nothing(desk: Desk) -> None:
    """What the ledger posted is in the model to the cent, and repeating changes nothing."""
    first = desk.run()
    cells = desk.company.cells()
    starts = len(desk.company.starts())
    second = desk.run()

    assert first.state is RunState.SUCCEEDED
    assert first.summary["cells"] == len(cells) > 100
    assert unexplained(first) == {"0"}
    assert second.state is RunState.SUCCEEDED
    assert second.summary["periods"] == []
    assert desk.company.cells() == cells
    assert len(desk.company.starts()) == starts


@pytest.mark.exhaustive
def test_late_journals_move_the_touched_period_alone(desk: Desk) -> None:
    """A back-dated posting re-opens exactly the periods it touches."""
    desk.run()
    before = desk.company.cells()
    desk.company.erp("late_journals")

    late = desk.run()
    after = desk.company.cells()

    moved = {key for key in before | after if before.get(key) != after.get(key)}
    assert late.state is RunState.SUCCEEDED
    assert late.summary["periods"] == [SEPTEMBER]
    assert late.summary["cells"] == len(moved) == 8
    assert periods_of(dict.fromkeys(moved, "")) == {SEPTEMBER}
    assert unexplained(late) == {"0"}


def test_refused_summary_is_joined_to_its_lines_and_replayed_once_mended(desk: Desk) -> None:
    """A refusal is named, tied out as such, joined to its journal line, and healed by a rule."""
    desk.run()
    desk.add_rule(MISTAKE)
    desk.company.erp("late_journals")

    refused = desk.run()
    with open_house(desk.root, clock=desk.clock) as house:
        (refusal,) = house.join_refusals(refused.run_id)
        house.add_rule(FLOW, dimension="account", when="account=68990", target="68990", note="")
        replayed = house.run(FLOW, {"replay": True})
        left = list(house.join_refusals(refused.run_id))

    assert refused.state is RunState.PARTLY
    assert refused.summary["refused"] == 1
    assert unexplained(refused) == {"0"}
    assert refusal.summary.key[1] == "69990"
    (way,) = refusal.lines
    assert way.line.combination == "101.30.68990.120.000.000"
    assert way.line.debit == Decimal("4812.35")
    assert replayed.state is RunState.SUCCEEDED
    assert replayed.summary["cells"] == 1
    assert unexplained(replayed) == {"0"}
    assert left == []


@pytest.mark.exhaustive
def test_entered_amounts_are_a_measure_of_their_own(desk: Desk) -> None:
    """Entered amounts go to their own module by entered currency and tie out by themselves."""
    desk.cut_flow("actuals-entered-fusion")
    base = desk.run()
    base_cells = desk.company.cells()

    entered = desk.run("actuals-entered-fusion")

    currencies = {row["currency"] for row in entered.summary["tie_out"]}
    assert base.state is RunState.SUCCEEDED
    assert entered.state is RunState.SUCCEEDED
    assert {"USD", "JPY"} < currencies
    assert unexplained(entered) == {"0"}
    assert desk.company.cells() == base_cells
    assert len(desk.company.cells("Actuals Entered")) == entered.summary["cells"]


@pytest.mark.exhaustive
def test_append_mode_adds_deltas_that_add_up_to_the_summaries(desk: Desk) -> None:
    """In append mode each load adds items; an intersection's items add up to its summary."""
    desk.cut_flow("actuals-append-fusion")
    first = desk.run("actuals-append-fusion")
    items = len(desk.company.model("read_list", list="Journal Items"))
    desk.company.erp("late_journals")

    late = desk.run("actuals-append-fusion")

    assert first.state is RunState.SUCCEEDED
    assert items == first.summary["cells"]
    assert late.state is RunState.SUCCEEDED
    assert late.summary["periods"] == [SEPTEMBER]
    assert len(desk.company.model("read_list", list="Journal Items")) == items + 8
    assert unexplained(first) | unexplained(late) == {"0"}
