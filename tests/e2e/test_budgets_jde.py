"""F6 from end to end, on real sockets: an approved budget becomes journals, and ties out."""

from decimal import Decimal

import pytest
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import CONTROLLER, DIRECTOR, MAKER, Amounts, BudgetDesk

from ml_connector.errors import BlockedError, ConnectorError
from ml_connector.ports import ApprovalState, RunState

# --- what shall happen ----------------------------------------------------------------------------


def test_approved_budget_lands_and_ties_out_before_and_after_it_is_posted(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """One journal for each period; whether R09801 has run makes no difference to a cent."""
    row = budget_desk.run()
    entered, balances = budget_desk.held(), budget_desk.balances()
    again = budget_desk.run()
    budget_desk.post_batches()
    after = budget_desk.run()

    assert row.state is RunState.SUCCEEDED, row
    assert unexplained(row) == {"0"}
    assert entered == approved
    assert balances != approved
    assert budget_desk.balances() == approved
    assert again.summary["journals"] == after.summary["journals"] == []
    assert again.summary["read"]["journals_waiting"] == 2
    assert after.summary["read"]["journals_waiting"] == 0
    assert budget_desk.sends() == 2


@pytest.mark.exhaustive
def test_next_version_posts_its_difference_only(budget_desk: BudgetDesk, approved: Amounts) -> None:
    """Version two moves what changed, before and after version one was posted."""
    budget_desk.run()
    first, second, *_ = sorted(approved)
    approved[first] += Decimal(100)
    budget_desk.plan(approved)
    before = budget_desk.run()
    budget_desk.post_batches()
    approved[second] -= Decimal("0.10")
    budget_desk.plan(approved)
    after = budget_desk.run()

    assert before.summary["moved"] == {"USD": "100"}
    assert after.summary["moved"] == {"USD": "0.1"}
    assert [row["lines"] for row in (*before.summary["journals"], *after.summary["journals"])] == [
        1, 1,
    ]  # fmt: skip
    assert unexplained(before) == unexplained(after) == {"0"}
    assert [its["currency"] for its in before.summary["tie_out"]] == ["USD", "USD"]
    assert budget_desk.held() == approved


def test_budget_posted_at_once_is_in_the_balances(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """With `post_at_once` nobody has to run R09801."""
    budget_desk.change(post_at_once=True)

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED
    assert budget_desk.balances() == approved
    assert {one.receipt.get("posted") for one in budget_desk.postings()} == {True}


@pytest.mark.exhaustive
def test_amounts_land_in_the_ledgers_own_sign(budget_desk: BudgetDesk, approved: Amounts) -> None:
    """Planned revenue is a plus in the model and a credit in the ledger."""
    revenue = next(place for place in budget_desk.places if place.account.startswith("4"))
    approved[revenue, "Oct 26"] = Decimal(-5000)
    budget_desk.plan(approved)

    budget_desk.run()

    assert budget_desk.held() == approved
    assert any(
        cell["value"] == 5000
        for cell in budget_desk.company.model("read_cells", module="JDE Budget")
    )


@pytest.mark.exhaustive
def test_two_companies_of_two_currencies_and_years_land_together(budget_desk: BudgetDesk) -> None:
    """Company 00077 keeps another calendar and Canadian dollars; each has journals of its own."""
    budget_desk.change(ledgers=["00001/BA", "00077/BA"], last_month="2026-12")
    budget_desk.plan(budget_desk.held() | {(budget_desk.places[0], "Dec 26"): Decimal(10)})
    [(unit, account)] = budget_desk.books(
        "SELECT trim(MCU), trim(OBJ) FROM F0901 WHERE trim(CO) = '00077' AND trim(PEC) = ''"
        " AND trim(SUB) = '' AND trim(OBJ) BETWEEN '5000' AND '8999' LIMIT 1"
    )
    cell = {"company": "00077", "account": account, "business_unit": unit, "amount": "77.05"}
    months = [{**cell, "period": month} for month in ("Oct 26", "Dec 26")]
    budget_desk.company.model("fill_budget", cells=months, keep=True)
    budget_desk.change(guards={"vanished_ratio_max": 1})

    row = budget_desk.run()

    assert unexplained(row) == {"0"}
    assert set(row.summary["moved"]) == {"USD", "CAD"}
    assert [
        its["subject"] for its in row.summary["journals"] if its["currency"] == "CAD"
    ] == ["00077/BA FY2026-P01 1/1", "00077/BA FY2026-P03 1/1"]  # fmt: skip
    assert budget_desk.books(
        "SELECT FY, PN, SUM(AA) FROM F0911 WHERE trim(CO) = '00077' AND LT = 'BA' GROUP BY 1, 2"
    ) == [(26, 1, 7705), (26, 3, 7705)]


@pytest.mark.exhaustive
def test_long_journals_are_cut_and_each_part_is_found_by_its_own_key(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Parts are batches of their own; together they are the whole."""
    budget_desk.change(lines_max=3)

    row = budget_desk.run()

    assert budget_desk.held() == approved
    assert unexplained(row) == {"0"}
    assert len(budget_desk.keyed()) == len(row.summary["journals"]) > 2
    assert all(len(its) == 1 and its[0][2] <= 3 for its in budget_desk.keyed().values())


# --- people ---------------------------------------------------------------------------------------


def test_plan_waits_for_somebody_else_and_is_posted_once(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """The maker may not approve; applying the plan twice posts nothing twice."""
    budget_desk.change(approval={"people": 1})
    waiting = budget_desk.run()
    plan = waiting.summary["plan_hash"]
    with pytest.raises(BlockedError):
        budget_desk.approve(plan, MAKER)
    sends = budget_desk.sends()

    decided = budget_desk.approve(plan, CONTROLLER)
    applied = budget_desk.apply(plan)
    again, _ = budget_desk.fail(apply=plan)

    assert waiting.state is RunState.WAITING_APPROVAL
    assert sends == 0
    assert decided.state is ApprovalState.APPROVED
    assert applied.state is RunState.SUCCEEDED
    assert again.code == "plan.applied-before"
    assert budget_desk.held() == approved
    assert budget_desk.sends() == 2


@pytest.mark.exhaustive
def test_large_plan_waits_for_two_people(budget_desk: BudgetDesk, approved: Amounts) -> None:
    """One approval is no posting, and nobody approves twice."""
    budget_desk.change(approval={"people": 1, "second_above": 1000})
    plan = budget_desk.run().summary["plan_hash"]
    first = budget_desk.approve(plan, CONTROLLER)
    error, _ = budget_desk.fail(apply=plan)
    with pytest.raises(BlockedError):
        budget_desk.approve(plan, CONTROLLER)

    second = budget_desk.approve(plan, DIRECTOR)
    row = budget_desk.apply(plan)

    assert (first.approvals, first.needed, first.state) == (1, 2, ApprovalState.WAITING)
    assert error.code == "plan.not-approved"
    assert second.state is ApprovalState.APPROVED
    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved


@pytest.mark.exhaustive
def test_ledger_that_moved_after_the_approval_refuses_the_plan(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Somebody budgets in JD Edwards meanwhile; the next plan is made from what stands there."""
    budget_desk.change(approval={"people": 1})
    plan = budget_desk.run().summary["plan_hash"]
    place = budget_desk.places[0]
    line = {"account_id": place.aid, "amount": "5"}
    budget_desk.do(
        "create_journal", company="00001", gl_date="2026-11-30", ledger_type="BA", post=True,
        document_type="BX", lines=[line],
    )  # fmt: skip
    budget_desk.approve(plan, CONTROLLER)

    error, row = budget_desk.fail(apply=plan)
    again, _ = budget_desk.fail(apply=plan)
    budget_desk.actor = MAKER
    budget_desk.change(approval={"people": 0})
    anew = budget_desk.run()

    assert error.code == "budgets.drifted"
    assert error.exit_code == 5
    assert row.state is RunState.BLOCKED
    assert again.code == "plan.not-approved"
    assert anew.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved


def test_plan_expires_when_nobody_decides(budget_desk: BudgetDesk, approved: Amounts) -> None:
    """Two weeks later the same plan is no basis for a posting."""
    budget_desk.change(approval={"people": 1, "days": 2})
    plan = budget_desk.run().summary["plan_hash"]
    budget_desk.pass_days(3)

    with pytest.raises(BlockedError):
        budget_desk.approve(plan, CONTROLLER)

    assert approved
    assert budget_desk.sends() == 0


# --- taking back ----------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_reversal_takes_one_journal_back_by_a_counter_posting(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Original and counter-posting stand side by side, each under its own key."""
    before = budget_desk.held()
    budget_desk.run()
    [october] = [one for one in budget_desk.postings() if "P10" in one.subject]

    row = budget_desk.reverse(october.posting_key)
    with pytest.raises(ConnectorError, match="was reversed"):
        budget_desk.reverse(october.posting_key)

    assert row.state is RunState.SUCCEEDED
    assert {k: v for k, v in budget_desk.held().items() if k[1] == "Oct 26"} == {
        k: v for k, v in before.items() if k[1] == "Oct 26"
    }
    assert {k: v for k, v in budget_desk.held().items() if k[1] == "Nov 26"} == {
        k: v for k, v in approved.items() if k[1] == "Nov 26"
    }
    assert len(budget_desk.keyed()) == 3
