"""What counts as held besides balances: our journals, as JD Edwards shows them before R09801."""

from decimal import Decimal

import pytest
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import Amounts, BudgetDesk

from ml_connector.ports import RunState


@pytest.mark.exhaustive
def test_journal_deleted_before_it_was_posted_is_planned_anew(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Somebody deletes an entered journal: it counts as held no more."""
    budget_desk.run()
    october = next(one for one in budget_desk.postings() if "P10" in one.subject)
    budget_desk.do("delete_document", document=october.receipt["documents"][0])

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED
    assert [its["subject"] for its in row.summary["journals"]] == [october.subject]
    assert unexplained(row) == {"0"}
    assert budget_desk.held() == approved


@pytest.mark.exhaustive
def test_journal_changed_before_it_was_posted_counts_as_it_is_now(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """A line somebody has changed is set right by the change alone, not by the journal again."""
    budget_desk.run()
    october = next(one for one in budget_desk.postings() if "P10" in one.subject)
    [(account,)] = budget_desk.books(
        "SELECT AID FROM F0911 WHERE R2 = ? ORDER BY JELN LIMIT 1", october.posting_key
    )
    budget_desk.books(
        "UPDATE F0911 SET AA = AA + 500 WHERE R2 = ? AND AID = ?", october.posting_key, account
    )

    row = budget_desk.run()
    budget_desk.post_batches()
    after = budget_desk.run()

    assert row.summary["moved"] == {"USD": "5"}
    assert unexplained(row) == {"0"}
    assert after.summary["journals"] == []
    assert budget_desk.balances() == approved


@pytest.mark.exhaustive
def test_second_document_of_one_key_is_taken_back_by_the_next_plan(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """An orchestration that came back to life: both count as held, so nothing is posted on top."""
    budget_desk.run()
    posting = budget_desk.postings()[0]
    place = budget_desk.places[0]
    line = {"account_id": place.aid, "amount": "12.34"}
    budget_desk.do(
        "create_journal", company="00001", gl_date="2026-10-31", ledger_type="BA",
        document_type="BX", reference=posting.posting_key, lines=[line],
    )  # fmt: skip
    held = budget_desk.held()

    row = budget_desk.run()
    budget_desk.post_batches()

    assert held[place, "Oct 26"] - approved.get((place, "Oct 26"), Decimal(0)) == Decimal("12.34")
    assert row.summary["moved"] == {"USD": "12.34"}
    assert budget_desk.balances() == budget_desk.held() == approved
