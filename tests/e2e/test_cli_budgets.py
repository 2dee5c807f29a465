"""Budgets as somebody types them: planned, waited for, approved, posted, settled, taken back."""

from typing import Any

import pytest
from tests.fakes.budget_desk import (
    CONTROLLER,
    FLOW,
    MAKER,
    ORCHESTRATION,
    Amounts,
    BudgetDesk,
)


class Office:
    """A terminal that people sit down at in turn."""

    def __init__(self, terminal: Any, patch: pytest.MonkeyPatch) -> None:
        self._terminal = terminal
        self._patch = patch

    def type(self, who: str, *arguments: str) -> Any:
        """What the command leaves when that person types it."""
        self._patch.setattr("ml_connector.wiring.house.find_account", lambda: who)
        return self._terminal.type(*arguments)


@pytest.fixture
def office(budget_desk: BudgetDesk, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A terminal in the project, whose plans wait for one person."""
    budget_desk.change(approval={"people": 1})
    monkeypatch.setattr(
        "ml_connector.wiring.stopping.machine_clock", lambda _stop: budget_desk.clock
    )
    terminal.project = budget_desk.root
    return Office(terminal, monkeypatch)


def test_plan_is_looked_at_approved_by_another_and_posted(
    office: Office, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Each command names the next one; the maker's own approval is refused with exit code 5."""
    looked = office.type(MAKER, "plan", FLOW)
    asked = office.type(MAKER, "run", FLOW)
    [waiting] = office.type(MAKER, "approvals", "list", "-o", "csv").csv
    own = office.type(MAKER, "approvals", "approve", waiting["Plan"])
    shown = office.type(CONTROLLER, "approvals", "show", waiting["Plan"], "-o", "csv")
    posted = office.type(CONTROLLER, "approvals", "approve", waiting["Plan"], "--reason", "Fine.")
    nothing = office.type(MAKER, "approvals", "list")
    again = office.type(MAKER, "run", FLOW)

    assert (looked.code, asked.code, own.code) == (0, 5, 5)
    assert f"approvals show {waiting['Plan']}" in asked.hints[0]
    assert waiting["Made by"] == MAKER
    assert {row["Ledger"] for row in shown.csv} == {"00001/BA"}
    assert all("." in row["Name"] for row in shown.csv)
    assert (posted.code, again.code) == (0, 0)
    assert "00001/BA" in posted.out
    assert "No plan waits for anybody." in nothing.err
    assert "there is nothing to post" in again.err
    assert budget_desk.held() == approved


def test_plan_that_was_approved_and_not_posted_is_posted_when_approved_again(
    office: Office, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Whoever is interrupted between decision and posting types the same command once more."""
    office.type(MAKER, "run", FLOW)
    [waiting] = office.type(MAKER, "approvals", "list", "-o", "csv").csv
    with budget_desk.house() as house:
        plan = house.find_approval(waiting["Plan"]).plan_hash
        house.records.approvals.decide(plan, actor=CONTROLLER, approves=True, reason="Fine.")

    posted = office.type(CONTROLLER, "approvals", "approve", waiting["Plan"])

    assert posted.code == 0
    assert budget_desk.held() == approved


def test_rejected_plan_is_never_posted(
    office: Office, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """A rejection wants a reason and ends the plan; the history keeps both."""
    office.type(MAKER, "run", FLOW)
    [waiting] = office.type(MAKER, "approvals", "list", "-o", "csv").csv

    bare = office.type(CONTROLLER, "approvals", "reject", waiting["Plan"])
    rejected = office.type(
        CONTROLLER, "approvals", "reject", waiting["Plan"], "--reason", "Travel is too high."
    )
    late = office.type(CONTROLLER, "approvals", "approve", waiting["Plan"])
    [kept] = office.type(MAKER, "approvals", "list", "--all", "-o", "csv").csv

    assert (bare.code, rejected.code, late.code) == (2, 0, 5)
    assert kept["State"] == "rejected"
    assert approved
    assert budget_desk.sends() == 0


def test_postings_are_listed_shown_and_taken_back(
    office: Office, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """A counter-posting is planned, waits like any plan, and names what it takes back."""
    before = budget_desk.held()
    budget_desk.change(approval={"people": 0})
    office.type(MAKER, "run", FLOW)
    listed = office.type(MAKER, "postings", "list", "-o", "csv").csv
    key = next(row["Key"] for row in listed if "P10" in row["Subject"])

    shown = office.type(MAKER, "postings", "show", key)
    settled = office.type(MAKER, "postings", "settle", key)
    taken_back = office.type(MAKER, "postings", "reverse", key)
    told = office.type(MAKER, "postings", "show", key)

    assert {row["State"] for row in listed} == {"confirmed"}
    assert all(row["Documents"].startswith("00001-BX-") for row in listed)
    assert "confirmed" in shown.err
    assert settled.code == 2
    assert taken_back.code == 0
    assert "It was taken back by" in told.err
    october = {key: amount for key, amount in budget_desk.held().items() if key[1] == "Oct 26"}
    assert october == {key: amount for key, amount in before.items() if key[1] == "Oct 26"}
    assert budget_desk.held() != approved


def test_posting_of_unknown_outcome_is_told_with_what_to_do(
    office: Office, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Exit code 9 and a next step; settling reads the ledger and says what it shows."""
    budget_desk.change(approval={"people": 0})
    budget_desk.spoil(path=ORCHESTRATION, kind="reset_before", times=2)

    lost = office.type(MAKER, "run", FLOW)
    [unsettled] = office.type(MAKER, "postings", "list", "--unsettled", "-o", "csv").csv
    settled = office.type(MAKER, "postings", "settle", unsettled["Key"])
    none = office.type(MAKER, "postings", "list", "--unsettled")

    assert lost.code == 9
    assert unsettled["Key"] in lost.err
    assert "runs resume" in lost.err
    assert settled.code == 0
    assert "refused" in settled.err
    assert "No posting waits to be settled." in none.err
    assert approved
