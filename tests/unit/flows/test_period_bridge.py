"""The bridge of a period in debits, and what stands behind the periods of budgets."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.fakes.approved_desk import LEDGER, build_budget
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line

from ml_connector.flows.answers import reconciliation_accounts
from ml_connector.flows.answers.evidence import Evidence, list_members
from ml_connector.flows.answers.health import sum_debits
from ml_connector.flows.answers.listing import Money
from ml_connector.flows.answers.reconciliation_accounts import read_detail
from ml_connector.flows.answers.reconciliation_listings import list_bridge, list_cells
from ml_connector.flows.answers.run_listings import NOT_ALL_SENT, list_bridges
from ml_connector.ports import Standing

MakeDesk = Callable[..., FakeDesk]


def find(desk: FakeDesk) -> Standing:
    """The standing of September in the ledger US."""
    found = desk.records.standings.find_standing("actuals", "US", "09-26")
    assert found is not None
    return found


def tell(desk: FakeDesk) -> dict[str, tuple[object, object]]:
    """Net and debits of each step of the bridge."""
    standing = find(desk)
    detail = read_detail(desk.archive, standing)
    rows = list_bridge(standing, detail.debits).rows
    return {
        f"{row[0]} {row[1]}" if row[0] == "less excluded" else str(row[0]): (
            *(one.amount if isinstance(one, Money) else one for one in row[2:]),
        )  # type: ignore[misc]  # of two
        for row in rows
    }


def test_bridge_of_a_balanced_ledger_says_how_much_money_went_which_way(desk: FakeDesk) -> None:
    """Every step nets to nothing and has its debits; they add up to those of the ledger."""
    desk.change(exclusions=[{"name": "centre 20", "when": {"centre": "20"}}])
    desk.target.refuse = lambda row: "closed" if row["Account"] in ("5000", "7000") else None
    desk.source.post(
        "1",
        line(1, "US", "09-26", "101.4000.10", "100"), line(2, "US", "09-26", "101.6000.10", "-100"),
        line(3, "US", "09-26", "101.5000.10", "9"), line(4, "US", "09-26", "101.7000.10", "-9"),
        line(5, "US", "09-26", "101.6000.20", "-2"), line(6, "US", "09-26", "101.4000.20", "2"),
    )  # fmt: skip
    desk.run()

    assert tell(desk) == {
        "ERP": (0, 111),
        "less excluded centre 20": (0, -2),
        "less refused": (0, -9),
        "Model": (0, 100),
        "Unexplained": (0, None),
    }


def test_period_of_too_many_rows_says_so_wherever_they_are_listed(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pack that proves it too; what is summed is summed of all of them."""
    desk.source.post(
        "1",
        line(1, "US", "09-26", "101.4000.10", "100"), line(2, "US", "09-26", "101.6000.10", "-100"),
    )  # fmt: skip
    desk.run()
    standing, whole = find(desk), tell(desk)
    pack = Evidence(organisation="", flow="actuals", period="09-26", standings=[standing])
    before = dict(list_members(pack, desk.archive, lambda: iter(())))

    monkeypatch.setattr(reconciliation_accounts, "ROWS_MAX", 1)

    detail = read_detail(desk.archive, standing)
    assert (len(detail.accounts), len(detail.cells), detail.is_cut) == (1, 1, True)
    assert tell(desk) == whole
    after = dict(list_members(pack, desk.archive, lambda: iter(())))
    assert set(after) - set(before) == {"ledgers/01-US/cut.txt"}
    told = b"".join(after["ledgers/01-US/cut.txt"]).decode()
    assert told == f"{detail.cut}\n"
    assert "the limit is 1 of each. The totals are of all of them." in told


def test_debits_of_a_long_run_are_all_of_them() -> None:
    """A summary that holds some rows of the tie-out only is not summed from these."""
    row = {"currency": "USD", "debit": "5"}
    long = {"tie_out": [row], "debits": {"USD": {"archived": "111", "mapped": "109"}}}

    assert sum_debits(long) == {"USD": Decimal(111)}
    assert sum_debits({"tie_out": [row, row]}) == {"USD": Decimal(10)}


def test_what_was_not_sent_is_not_told_as_held_by_the_model() -> None:
    """The bridge of a run that held something back, or only compared, ends before the model."""
    debits = {"USD": {"archived": "111", "mapped": "111"}}
    ends = [
        list_bridges({"debits": debits, **its})[0].end
        for its in (
            {"cells": 2, "loaded": True},
            {"cells": 0},
            {"cells": 2},
            {"unmapped": {"P": 1}},
        )
    ]

    assert ends == ["model", "model", NOT_ALL_SENT, NOT_ALL_SENT]


def test_cells_that_wait_are_not_called_refused(desk: FakeDesk) -> None:
    """Where nothing was sent, what waits is told as such, and nobody claims what the model took."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "7"))
    desk.run(reconcile=True)

    told = tell(desk)
    assert told["less not sent"] == (-7, -107)
    assert told["Model"] == (100, None)
    assert "less refused" not in told
    cells = list_cells(read_detail(desk.archive, find(desk)).cells, find(desk))
    assert [row[5].word for row in cells.rows] == ["not sent"]  # type: ignore[union-attr]  # a state


def test_summaries_the_model_lacks_are_part_of_the_proof_though_they_net_to_nothing(
    desk: FakeDesk,
) -> None:
    """A signature given while these were refused says nothing of the time when others are."""
    shut = {"4000", "6000"}
    desk.target.refuse = lambda row: "closed" if row["Account"] in shut else None
    desk.source.post(
        "1",
        line(1, "US", "09-26", "101.4000.10", "50"),
        line(2, "US", "09-26", "101.6000.10", "-50"),
    )
    desk.run()
    before = find(desk)

    shut.clear()
    desk.run(replay=True)

    assert before.amounts[0].refused == 0
    assert find(desk).amounts == before.amounts
    assert find(desk).content_hash != before.content_hash


def test_period_whose_journal_is_on_its_way_is_owed_until_it_ties_out(make_desk: MakeDesk) -> None:
    """A posting of unknown outcome is in the ledger or not: no earlier proof speaks for it."""
    budget = build_budget(make_desk())
    budget.run()
    budget.target.view["30.8720", "Sep 26"] = "2000"
    budget.target.view["30.8730", "Sep 26"] = "-400"
    budget.journals.cut = 1
    place = (budget.flow.name, LEDGER, "09-26")
    find_one = budget.desk.records.standings.find_standing
    tied = find_one(*place)
    assert tied is not None
    assert tied.is_tied

    budget.run()

    left = find_one(*place)
    assert left is not None
    assert (left.is_owed, left.is_tied) == (True, False)
    assert left.proof_hash == tied.proof_hash


def test_period_of_a_budget_tells_the_accounts_that_differ(make_desk: MakeDesk) -> None:
    """A budget has no cells; what is approved and held of an account that differs is told."""
    budget = build_budget(make_desk())
    budget.run()
    tied = budget.desk.records.standings.find_standing(budget.flow.name, LEDGER, "09-26")
    assert tied is not None

    detail = read_detail(budget.desk.archive, tied)

    assert (detail.accounts, detail.cells, detail.differences) == ([], [], [])
    (first, *_) = list_bridge(tied, detail.debits).rows
    assert first[0] == "ERP"
    assert isinstance(first[2], Money)
    assert first[2].amount == tied.amounts[0].erp != Decimal(0)
