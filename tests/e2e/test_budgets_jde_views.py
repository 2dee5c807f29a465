"""Approved views that cannot be posted: nothing is, and the rows are named."""

from decimal import Decimal

import pytest
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import Amounts, BudgetDesk, Place

from ml_connector.ports import RunState


def test_view_without_rows_takes_nothing_back(budget_desk: BudgetDesk, approved: Amounts) -> None:
    """A header alone is an emptied view, not a budget of nothing."""
    budget_desk.run()
    budget_desk.plan({})

    error, row = budget_desk.fail()

    assert error.code == "budgets.view-empty"
    assert row.state is not RunState.SUCCEEDED
    assert budget_desk.held() == approved


def test_view_that_is_an_empty_file_takes_nothing_back(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Not even a header: as empty as it can be."""
    before = budget_desk.held()
    budget_desk.company.fail(
        budget_desk.company.anaplan, path="/files/116000000005/chunks/0", kind="status", status=200,
        body="", every=1,
    )  # fmt: skip

    error, _ = budget_desk.fail()

    assert error.exit_code in {1, 8}
    assert budget_desk.sends() == 0
    assert budget_desk.held() == before != approved


@pytest.mark.exhaustive
def test_other_versions_and_companies_are_passed_over(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """A forecast in the same view is not the budget."""
    budget_desk.plan({(budget_desk.places[0], "Oct 26"): 999_999}, version="Forecast")

    looked = budget_desk.run(dry_run=True)
    budget_desk.run()

    assert looked.summary["read"]["ignored"] == 1
    assert looked.summary["read"]["rows"] == len(approved)
    assert budget_desk.held() == approved


@pytest.mark.parametrize(
    ("edit_code", "amount", "fault"),
    [
        ("", "10.005", "more than 2 decimals"),
        ("I", "10", "inactive"),
        ("N", "10", "heading"),
        ("U", "10", "units"),
    ],
    ids=["decimals", "inactive", "header", "statistical"],
)
def test_row_that_cannot_be_posted_holds_the_whole_view_back(
    edit_code: str, amount: str, fault: str, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """The row is named with its account and reason; nothing of the others is posted either."""
    place = budget_desk.places[-1]
    budget_desk.close_account(place, edit_code)
    budget_desk.plan(approved | {(place, "Oct 26"): Decimal(amount)})

    error, _ = budget_desk.fail()

    assert error.code == "budgets.rows-refused"
    assert f"{place.unit}.{place.account}" in error.refused
    assert fault in error.refused
    assert budget_desk.sends() == 0


def test_member_that_the_erp_does_not_have_is_named(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """An account that planners made up stops the plan before anything is compared."""
    made_up = Place("", "30", "8999.NEW")
    budget_desk.plan(approved | {(made_up, "Oct 26"): Decimal(1)})

    error, _ = budget_desk.fail()

    assert error.code == "budgets.rows-refused"
    assert "30.8999.NEW" in error.refused
    assert "no such account" in error.refused


@pytest.mark.exhaustive
def test_view_that_lost_most_rows_is_held_back(budget_desk: BudgetDesk, approved: Amounts) -> None:
    """A filtered view looks like a budget taken back; the guard stops it."""
    budget_desk.run()
    few = dict(sorted(approved.items())[:2])
    budget_desk.plan(few)

    error, _ = budget_desk.fail()

    assert error.code == "budgets.guard"
    assert budget_desk.held() == approved


def test_month_of_a_year_that_is_closed_is_refused_before_anything_is_read(
    budget_desk: BudgetDesk,
) -> None:
    """All of them are named at once; no export is run."""
    budget_desk.change(first_month="2025-11")

    error, _ = budget_desk.fail()

    assert error.code == "budgets.period-refused"
    assert "FY2025-P11" in error.refused
    assert "FY2025-P12" in error.refused
    assert budget_desk.company.starts("/exports/") == []


def test_month_before_the_cut_off_is_refused_by_the_erp_in_its_words(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """A company that closes earlier months: October is refused, November stands, all explained."""
    before = budget_desk.held()
    budget_desk.do("set_prior_period", company="00001", setting="error")

    row = budget_desk.run()

    held = budget_desk.held()
    assert row.state is RunState.PARTLY
    assert unexplained(row) == {"0"}
    assert any("PBCO" in its["reason"] for its in row.summary["postings"])
    assert {k: v for k, v in held.items() if k[1] == "Nov 26"} == {
        k: v for k, v in approved.items() if k[1] == "Nov 26"
    }
    assert {k: v for k, v in held.items() if k[1] == "Oct 26"} == {
        k: v for k, v in before.items() if k[1] == "Oct 26"
    }


@pytest.mark.parametrize("ledger", ["00001", "00001/B1"], ids=["actuals", "not read"])
def test_ledger_that_takes_no_budget_is_refused(ledger: str, budget_desk: BudgetDesk) -> None:
    """Actual amounts are nobody's budget; another ledger type has to be read to be compared."""
    budget_desk.change(ledgers=[ledger])

    error, _ = budget_desk.fail()

    assert error.code in {"budgets.ledger-refused", "books.ledger-not-visible"}
    assert ledger in error.refused
    assert budget_desk.sends() == 0
