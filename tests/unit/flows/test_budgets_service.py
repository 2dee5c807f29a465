"""The service that enters journals is looked at before anything is exported or approved."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.fakes.approved_desk import APPROVED, LEDGER, BudgetDesk, build_budget, make_flow
from tests.fakes.desk import FakeDesk

from ml_connector.ports import Check, CheckState

MakeDesk = Callable[..., FakeDesk]
WELL = Check(subject="orchestration", state=CheckState.OK, finding="It is visible.")
MISSING = Check(
    subject="orchestration", state=CheckState.FAILED, finding="It is not visible.",
    next_step="Share it with the user.", code="refused",
)  # fmt: skip
OTHER_INPUTS = Check(
    subject="inputs", state=CheckState.FAILED, finding="Sent and not declared: Company.",
    next_step="Declare them.", code="refused",
)  # fmt: skip
UNTOLD = Check(
    subject="outputs", state=CheckState.WARNING, finding="They are not told.",
    next_step="Name them.",
)  # fmt: skip
UNANSWERED = Check(
    subject="orchestration", state=CheckState.FAILED, finding="No answer.",
    next_step="Wait.", code="unavailable",
)  # fmt: skip


@pytest.fixture
def budget(make_desk: MakeDesk) -> BudgetDesk:
    """A desk of one budget ledger."""
    return build_budget(make_desk())


@pytest.mark.parametrize("dry_run", [True, False], ids=["plan", "run"])
def test_every_reason_is_named_before_anything_is_exported(
    budget: BudgetDesk, *, dry_run: bool
) -> None:
    """What would be refused after the approval is refused before the plan."""
    budget.journals.checks = [WELL, MISSING, OTHER_INPUTS, UNTOLD]

    error = budget.fail(dry_run=dry_run)

    assert error.code == "budgets.service-missing"
    assert "It is not visible." in error.refused
    assert "Sent and not declared: Company." in error.refused
    assert error.next_step.startswith("Share it with the user. Declare them.")
    assert budget.target.starts == []
    assert budget.journals.calls == 0


def test_plan_that_was_approved_is_not_applied_without_the_service(budget: BudgetDesk) -> None:
    """It may have vanished while people thought; the plan is applied once it is back."""
    budget.flow = make_flow(approval={"people": 1})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "approver")
    budget.journals.checks = [MISSING]

    assert budget.fail(apply=plan).code == "budgets.service-missing"
    budget.journals.checks = []
    assert budget.run(apply=plan)["state"] == "succeeded"
    assert budget.held() == APPROVED


@pytest.mark.parametrize("check", [UNTOLD, UNANSWERED], ids=["warning", "unanswered"])
def test_what_cannot_be_told_is_a_warning_and_stops_nothing(
    budget: BudgetDesk, check: Check
) -> None:
    """A look that failed says nothing of the service; the summary of each half tells it."""
    budget.flow = make_flow(approval={"people": 1})
    budget.journals.checks = [WELL, check]
    told = [f"{check.subject}: {check.finding} {check.next_step}"]

    waiting = budget.run()
    budget.approve(waiting["plan_hash"], "approver")
    applied = budget.run(apply=waiting["plan_hash"])

    assert waiting["read"]["service"] == applied["read"]["service"] == told
    assert applied["state"] == "succeeded"


def test_each_ledger_is_looked_at_and_the_same_finding_told_once(budget: BudgetDesk) -> None:
    """The service is one for all ledgers."""
    other = replace(budget.desk.source.ledgers[0], name="00077/BA", ledger_id="00077")
    budget.desk.source.ledgers.append(other)
    budget.desk.source.periods[other.name] = budget.desk.source.periods[LEDGER]
    budget.flow = make_flow(ledgers=[LEDGER, other.name])
    budget.journals.checks = [UNTOLD]

    summary = budget.run()

    assert budget.journals.checked == [LEDGER, other.name]
    assert len(summary["read"]["service"]) == 1
