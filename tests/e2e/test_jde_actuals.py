"""F1 and F3 from end to end, on real sockets: JD Edwards in, model out, tied out, a day later."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import change_yaml

from ml_connector.errors import ConnectorError
from ml_connector.ports import RunRow, RunState
from ml_connector.wiring import open_house

FLOW = "actuals-jde"
MODULE = "JDE Actuals"
COMPANIES = ["00001", "00077", "00200", "00300"]
SEPTEMBER_LINE = (
    "FROM F0911 WHERE CO = '00001' AND LT = 'AA' AND POST = 'P' AND ICUT LIKE 'G%'"
    " AND FY = 26 AND PN = 9"
)
FROM_SEPTEMBER = {"first_month": "2026-09", "ledgers": COMPANIES}


@dataclass(slots=True)
class Desk:
    """A project of JD Edwards, its house opened anew for each command as a person would."""

    company: Any
    root: Path
    clock: Any

    def run(self, flow: str = FLOW, **request: Any) -> RunRow:
        """A run of the flow."""
        with open_house(self.root, clock=self.clock) as house:
            return house.run(flow, request)

    def fail(self, **request: Any) -> ConnectorError:
        """The error a run of the flow stopped with."""
        with pytest.raises(ConnectorError) as caught:
            self.run(**request)
        return caught.value

    def books(self, sql: str) -> list[tuple[Any, ...]]:
        """What the server's tables hold, raw; looked up behind everybody's back."""
        with closing(sqlite3.connect(self.company.state_dir / "jde.sqlite")) as tables:
            return tables.execute(sql).fetchall()

    def fill_lists(self) -> None:
        """The model's lists hold every code of the books; quicker than a run of F1."""
        accounts = self.books("SELECT DISTINCT trim(OBJ), trim(SUB) FROM F0901")
        lists = {
            "JDE Companies": COMPANIES,
            "JDE Accounts": [f"{obj}.{sub}" if sub else obj for obj, sub in accounts],
            "JDE Business Units": [unit for (unit,) in self.books("SELECT trim(MCU) FROM F0006")],
            "Currencies": [code for (code,) in self.books("SELECT trim(CRCD) FROM F0013")],
        }
        for name, codes in lists.items():
            items = [{"code": code} for code in sorted(codes)]
            self.company.model("add_items", list=name, items=items)

    def cells(self) -> dict[str, str]:
        """What the model holds, by intersection."""
        return dict(self.company.cells(MODULE))

    def sessions(self) -> list[Any]:
        """Sessions the server holds open."""
        return list(self.company.works("list_sessions"))


@pytest.fixture
def bare_desk(company: Any, books_template: Path, tmp_path: Path) -> Iterator[Desk]:
    """A project of four companies from September on, with empty lists and F1 ahead of F3.

    No session may outlive it.
    """
    company.reset(jde=True)
    root = tmp_path / "project"
    shutil.copytree(books_template, root)
    change_yaml(
        root / "flows" / f"{FLOW}.yaml", {**FROM_SEPTEMBER, "dimensions_flow": "dimensions-jde"}
    )
    made = Desk(company, root, company.clock())
    yield made
    assert made.sessions() == []


@pytest.fixture
def desk(bare_desk: Desk) -> Desk:
    """The same, its lists filled and without F1."""
    change_yaml(bare_desk.root / "flows" / f"{FLOW}.yaml", {"dimensions_flow": None})
    bare_desk.fill_lists()
    return bare_desk


def unexplained(row: RunRow) -> set[str]:
    """The unexplained amounts of a run's tie-out."""
    return {its["unexplained"] for its in row.summary["tie_out"]}


def test_actuals_land_and_tie_out_then_a_second_run_moves_nothing(bare_desk: Desk) -> None:
    """Members first, parents before children; then posted lines, and every cent is in the model."""
    first = bare_desk.run()
    second = bare_desk.run()

    assert first.state == second.state == RunState.SUCCEEDED
    assert unexplained(first) == {"0"}
    assert {row["ledger"] for row in first.summary["tie_out"]} >= {"00001", "00077"}
    assert first.summary["cells"] > 0
    assert second.summary["cells"] == 0
    assert first.summary["reading"]["pending"] > 0


@pytest.mark.parametrize("moves", [False])
def test_a_day_later_the_late_batch_the_deletion_and_the_rename_are_found(
    bare_desk: Desk, moves: object
) -> None:
    """Whether or not posting moves the change date, all three are found and everything ties."""
    desk = bare_desk
    desk.company.turn(desk.company.jde, postTouchesUpmj=moves)
    desk.run()
    before = desk.cells()
    day = desk.company.works("pass_day")

    later = desk.run()
    after = desk.cells()

    assert later.state == RunState.SUCCEEDED
    assert unexplained(later) == {"0"}
    reading = later.summary["reading"]
    assert any(day["posted"]["batch"] in batch for batch in reading["settled_shown"])
    assert any(day["deleted"]["batch"] in batch for batch in reading["gone_shown"])
    assert [row[0] for row in reading["renamed_shown"]] == [day["renamed"]["aid"]]
    assert before != after
    assert desk.run().summary["cells"] == 0


@pytest.mark.exhaustive
def test_reconcile_finds_what_no_change_date_tells(desk: Desk) -> None:
    """Posted lines edited without a trace are found by the balances, read again, and load."""
    desk.run()
    [(batch, document)] = desk.books(f"SELECT ICU, DOC {SEPTEMBER_LINE} AND JELN = 2 LIMIT 1")
    desk.company.works(
        "change_posted_amount", batch=f"G-{batch}", line=1, against=2, by="0.01",
        document=document,
    )  # fmt: skip

    compared = desk.run(reconcile=True)
    loaded = desk.run()

    assert compared.summary["cells"] > 0
    assert loaded.state == RunState.SUCCEEDED
    assert unexplained(loaded) == {"0"}


@pytest.mark.exhaustive
def test_balances_out_of_order_hold_their_period_back(desk: Desk) -> None:
    """A balance that is not the sum of its lines is JD Edwards' own; nothing of it is sent."""
    [(account,)] = desk.books(f"SELECT AID {SEPTEMBER_LINE} LIMIT 1")
    desk.company.works("break_balances", aid=account, year=2026, period=9, by="0.01")

    row = desk.run()

    assert row.state == RunState.UNTIED
    [difference] = row.summary["erp_differences"]
    assert difference["breaks"] >= 1


@pytest.mark.exhaustive
def test_entered_amounts_tie_out_in_their_currencies(desk: Desk) -> None:
    """CA lines and domestic AA lines, never added together."""
    flow = desk.root / "flows" / f"{FLOW}.yaml"
    flow.write_text(flow.read_text().replace("measure: base", "measure: entered"))

    row = desk.run()

    assert row.state == RunState.SUCCEEDED
    assert unexplained(row) == {"0"}
    assert {its["currency"] for its in row.summary["tie_out"]} >= {"USD", "EUR"}


def test_unknown_company_and_ledger_type_are_refused_with_those_there_are(desk: Desk) -> None:
    """A typing error names what could have been meant."""
    flow = desk.root / "flows" / f"{FLOW}.yaml"
    flow.write_text(flow.read_text().replace("00300", "00301"))
    company = desk.fail()
    flow.write_text(flow.read_text().replace("00301", "00001/QQ"))
    ledger_type = desk.fail()

    assert company.code == ledger_type.code == "books.ledger-not-visible"
    assert "00301" in str(company)
    assert "00300" in str(company)
    assert "00001/QQ" in str(ledger_type)


@pytest.mark.exhaustive
def test_server_that_restarts_in_a_page_costs_one_log_in(desk: Desk) -> None:
    """The run goes on with the same lines and ends tied out."""
    desk.company.fail(
        desk.company.jde, kind="hook", hook="restart_ais", path="/dataservice", nth=20
    )

    row = desk.run()

    assert row.state == RunState.SUCCEEDED
    assert unexplained(row) == {"0"}


@pytest.mark.exhaustive
def test_backfill_reads_a_period_again_and_changes_nothing(desk: Desk) -> None:
    """Read whole once more, by date, the archive says the same."""
    desk.run()

    row = desk.run(backfill=True, month_first="2026-09", month_last="2026-09")

    assert row.state == RunState.SUCCEEDED
    assert row.summary["cells"] == 0
    assert row.summary["periods"] == ["Sep 26"]
