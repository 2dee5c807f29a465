"""F6 from end to end, on real sockets: an approved budget becomes journals, and ties out."""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ProjectMaker
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import SMALL, Amounts, BudgetDesk, build_budget_desk

from ml_connector.ports import RunState
from ml_connector.wiring import open_house


@pytest.fixture(scope="module")
def budget_template(shared_company: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one small budget flow whose databases stand already."""
    root = tmp_path_factory.mktemp("budgets") / "project"
    maker = ProjectMaker(company=shared_company, root=root)
    maker.make(jde=True)
    desk = BudgetDesk(company=shared_company, root=root, clock=shared_company.clock())
    desk.change(**SMALL)
    with open_house(root, clock=desk.clock) as house:
        assert house.engine is not None
    return root


@pytest.fixture
def desk(company: Any, budget_template: Path, tmp_path: Path) -> Iterator[BudgetDesk]:
    """A fresh project; no session may outlive the test."""
    company.reset(jde=True)
    root = tmp_path / "budgets"
    shutil.copytree(budget_template, root)
    made = build_budget_desk(company, root)
    yield made
    assert made.sessions() == []


@pytest.fixture
def approved(desk: BudgetDesk) -> Amounts:
    """What planners approve: last year's plan with some accounts moved and some new ones."""
    amounts = desk.held()
    for number, key in enumerate(sorted(amounts)):
        amounts[key] += Decimal("0.01") * number
    spare = [place for place in desk.places if (place, "Oct 26") not in amounts]
    for number, place in enumerate(spare[:4]):
        amounts[place, "Oct 26"] = Decimal("1250.50") * (number + 1)
        amounts[place, "Nov 26"] = Decimal(-300)
    desk.plan(amounts)
    return amounts


# --- what shall happen ----------------------------------------------------------------------------


def test_approved_budget_lands_and_ties_out_before_and_after_it_is_posted(
    desk: BudgetDesk, approved: Amounts
) -> None:
    """One journal for each period; whether R09801 has run makes no difference to a cent."""
    row = desk.run()
    entered, balances = desk.held(), desk.balances()
    again = desk.run()
    desk.post_batches()
    after = desk.run()

    assert row.state is RunState.SUCCEEDED, row
    assert unexplained(row) == {"0"}
    assert entered == approved
    assert balances != approved
    assert desk.balances() == approved
    assert again.summary["journals"] == after.summary["journals"] == []
    assert again.summary["read"]["journals_waiting"] == 2
    assert after.summary["read"]["journals_waiting"] == 0
    assert desk.sends() == 2
