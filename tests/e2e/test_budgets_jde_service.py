"""The orchestration is looked for before anybody is asked, as a site would have broken it."""

from typing import Any

import pytest
from tests.fakes.budget_desk import CONTROLLER, Amounts, BudgetDesk

from ml_connector.ports import RunState

pytestmark = pytest.mark.long
NAME = "PLN_PostBudgetJournal"


@pytest.mark.exhaustive
def test_orchestration_that_was_renamed_or_rebuilt_stops_the_run_before_the_export(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Another name, other inputs: named at once, in the plan and in the approved run alike."""
    budget_desk.change(approval={"people": 1})
    plan = budget_desk.run().summary["plan_hash"]
    budget_desk.approve(plan, CONTROLLER)
    starts = len(budget_desk.company.starts())

    budget_desk.connect(orchestration={"name": "Nobodys"})
    missing, row = budget_desk.fail(dry_run=True)
    unapplied, _ = budget_desk.fail(apply=plan)
    budget_desk.connect(orchestration={"name": NAME, "line_inputs": {"Amount": "Betrag"}})
    rebuilt, _ = budget_desk.fail(dry_run=True)
    budget_desk.connect(orchestration={"name": NAME})
    applied = budget_desk.apply(plan)

    assert missing.code == unapplied.code == rebuilt.code == "budgets.service-missing"
    assert "Nobodys" in missing.refused
    assert "Betrag" in rebuilt.refused
    assert row.state is RunState.FAILED
    assert len(budget_desk.company.starts()) == starts
    assert applied.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved


@pytest.mark.parametrize(
    ("switches", "name"),
    [({"unknownOrchestration": 404}, "PLN_Renamed"), ({"deniedOrchestrations": [NAME]}, NAME)],
    ids=["renamed, 404", "hidden"],
)
def test_orchestration_that_is_not_there_posts_nothing(
    switches: dict[str, Any], name: str, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Its name and what to do are told before anything is exported; nothing is left to settle."""
    before = budget_desk.held()
    budget_desk.turn(**switches)
    budget_desk.connect(orchestration={"name": name})

    error, _ = budget_desk.fail()

    assert error.code == "budgets.service-missing"
    assert error.exit_code == 1
    assert name in error.refused
    assert budget_desk.company.starts() == []
    assert (budget_desk.sends(), budget_desk.postings()) == (0, [])
    assert budget_desk.held() == before != approved


def test_server_that_does_not_list_orchestrations_stops_no_run(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """What is sent does not depend on the list; that nobody could look is told."""
    budget_desk.connect(orchestration={"name": NAME, "input_format": "Generic"})
    budget_desk.spoil(path="/discover", kind="status", status=403, times=9)

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED
    assert ["cannot be told" in told for told in row.summary["read"]["service"]] == [True]
    assert budget_desk.held() == approved
