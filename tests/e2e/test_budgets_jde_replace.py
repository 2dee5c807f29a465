"""A flow in `replace`, counted raw in F0911: each journal once under its key, taken back by key."""

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import CONTROLLER, FLOW, MAKER, ORCHESTRATION, Amounts, BudgetDesk

from ml_connector.ports import RunState

pytestmark = pytest.mark.long


@pytest.fixture
def replacing(budget_desk: BudgetDesk, approved: Amounts) -> BudgetDesk:
    """A flow that replaces, its first version posted; people have budgeted in the ledger before."""
    assert approved
    budget_desk.change(mode="replace")
    budget_desk.run()
    return budget_desk


def lines_of(desk: BudgetDesk, key: str) -> dict[str, int]:
    """Raw amounts of a key by account, as F0911 has them."""
    return dict(desk.books("SELECT trim(AID), SUM(AA) FROM F0911 WHERE R2 = ? GROUP BY 1", key))


@pytest.mark.exhaustive
def test_version_four_stands_alone_and_every_key_is_there_once(
    replacing: BudgetDesk, approved: Amounts
) -> None:
    """Two more versions, one before and one after R09801: reversal and journal by R2, no more."""
    before = replacing.held()
    first, *_ = sorted(key for key in approved if key[1] == "Oct 26")
    rows = []
    for amount in ("100", "0.05", "-7.20"):
        approved[first] += Decimal(amount)
        replacing.plan(approved)
        rows.append(replacing.run())
        if amount == "100":
            replacing.post_batches()
    again = replacing.run()
    postings = {one.posting_key: one for one in replacing.postings()}
    reversals = [one for one in postings.values() if one.reverses]

    assert before == approved | {first: before[first]}
    assert {row.state for row in rows} == {RunState.SUCCEEDED}
    assert {amount for row in rows for amount in unexplained(row)} == {"0"}
    assert [len(row.summary["journals"]) for row in rows] == [2, 2, 2]
    assert [row.summary["moved"] for row in rows] == [{"USD": "100"}, {"USD": "0.05"},
                                                      {"USD": "7.2"}]  # fmt: skip
    assert again.summary["journals"] == []
    assert replacing.sends() == len(postings) == len(replacing.keyed()) == 2 + 3 * 2
    assert all(len(documents) == 1 for documents in replacing.keyed().values())
    for one in reversals:
        taken = lines_of(replacing, one.reverses)
        assert lines_of(replacing, one.posting_key) == {k: -v for k, v in taken.items()}
    assert sorted(one.subject for one in postings.values() if not (one.reverses or one.reversed_by)
    ) == ["00001/BA FY2026-P10 1/1", "00001/BA FY2026-P11 1/1"]  # fmt: skip
    replacing.post_batches()
    assert replacing.balances() == replacing.held() == approved


@pytest.mark.exhaustive
def test_period_closed_since_keeps_reversal_and_new_journal_away(
    replacing: BudgetDesk, approved: Amounts
) -> None:
    """The orchestration refuses the reversal: nothing of its month moves, the other one does."""
    october, november = (
        next(key for key in sorted(approved) if key[1] == month) for month in ("Oct 26", "Nov 26")
    )
    held = replacing.held()
    approved[october] += 10
    approved[november] += 20
    replacing.plan(approved)
    body = {"Result": "REJECTED", "Messages": ["Period is closed"]}
    replacing.spoil(path=ORCHESTRATION, kind="status", status=200, body=body, times=1)

    row = replacing.run()
    left = replacing.held()
    ended = replacing.run()

    assert row.state is RunState.PARTLY
    assert [its["state"] for its in row.summary["postings"]] == [
        "refused", "refused", "confirmed", "confirmed",
    ]  # fmt: skip
    assert unexplained(row) == {"0"}
    assert left == held | {november: approved[november]}
    assert ended.state is RunState.SUCCEEDED
    assert replacing.held() == approved


@pytest.mark.exhaustive
def test_journal_deleted_by_hand_is_told_and_one_that_was_changed_blocks(
    replacing: BudgetDesk, approved: Amounts
) -> None:
    """What is not there is not taken back; what is other than it was is nobody's to guess."""
    october, november = (
        next(one for one in replacing.postings() if month in one.subject)
        for month in ("P10", "P11")
    )
    replacing.do("delete_document", document=october.receipt["documents"][0])
    row = replacing.run()
    replacing.books(
        "UPDATE F0911 SET AA = AA + 500 WHERE R2 = ? AND JELN ="
        " (SELECT MIN(JELN) FROM F0911 WHERE R2 = ?)", november.posting_key, november.posting_key,
    )  # fmt: skip
    sends = replacing.sends()

    error, _ = replacing.fail()
    unchanged = replacing.sends()
    replacing.reverse(november.posting_key)
    ended = replacing.run()

    assert [its["posting_key"] for its in row.summary["gone"]] == [october.posting_key]
    assert [its["reverses"] for its in row.summary["postings"]] == [""]
    assert error.code == "budgets.posting-changed"
    assert november.posting_key in error.refused
    assert unchanged == sends
    assert ended.state is RunState.SUCCEEDED
    assert unexplained(ended) == {"0"}
    assert replacing.held() == approved


@pytest.mark.exhaustive
def test_commands_show_which_journal_takes_back_which_key(
    replacing: BudgetDesk,
    approved: Amounts,
    terminal: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plan, approval, report, list and the posting itself name the key."""
    terminal.project = replacing.root
    monkeypatch.setattr("ml_connector.wiring.stopping.machine_clock", lambda _stop: replacing.clock)

    def type_as(who: str, *words: str) -> Any:
        monkeypatch.setattr("ml_connector.wiring.house.find_account", lambda: who)
        return terminal.type(*words)

    key = next(one.posting_key for one in replacing.postings() if "P10" in one.subject)
    approved[min(each for each in approved if each[1] == "Oct 26")] += 1
    replacing.plan(approved)
    replacing.change(approval={"people": 1})

    looked = type_as(MAKER, "run", FLOW)
    [plan] = [row["Plan"] for row in type_as(MAKER, "approvals", "list", "-o", "csv").csv]
    shown = type_as(CONTROLLER, "approvals", "show", plan, "-o", "csv").csv
    posted = type_as(CONTROLLER, "approvals", "approve", plan)
    listed = type_as(MAKER, "postings", "list", "-o", "csv").csv
    [back] = [row for row in listed if row["Takes back"]]
    told = type_as(MAKER, "postings", "show", back["Key"])

    assert looked.code == 5
    assert f"takes back {key}" in looked.out
    assert "are not of this flow's journals" in looked.err
    assert {row["Takes back"] for row in shown} == {key, ""}
    assert posted.code == 0
    assert f"Posting {back['Key']} takes back {key}." in posted.err
    assert back["Takes back"] == key
    assert [row["Key"] for row in listed if row["Taken back by"]] == [key]
    assert f"It takes back {key}." in told.err
    assert replacing.held() == approved
