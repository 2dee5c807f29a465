"""Flows that would get in each other's way are refused before any of them runs."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ml_connector.settings import BudgetFlow
from ml_connector.settings.checks import check_flow


class Connection(BaseModel):
    """A connection as far as the checks look at it."""

    kind: str


CONNECTIONS = {"model": Connection(kind="anaplan"), "erp": Connection(kind="jde")}


def make_budget(name: str, **changes: Any) -> BudgetFlow:
    """Settings of a budget flow; `changes` replace its keys."""
    return BudgetFlow.model_validate(
        {
            "kind": "budget", "name": name, "source": "model", "target": "erp",
            "export": "Approved", "ledgers": ["00001/BA"], "first_month": "2026-01",
            "last_month": "2026-12",
            "columns": {
                "company": {"column": "Company"}, "account": {"column": "Account"},
                "business_unit": {"column": "Unit"}, "period": "Time",
            },
        }
        | changes
    )  # fmt: skip


def faults_of(flow: BudgetFlow, *others: BudgetFlow) -> list[str]:
    """What is wrong with the flow beside the others."""
    flows = {one.name: one for one in (flow, *others)}
    found = check_flow(flow, root=Path(), connections=CONNECTIONS, flows=flows)
    return [f"{'.'.join(map(str, one.loc))} {one.problem}" for one in found]


def test_budget_flows_over_the_same_months_of_a_ledger_are_refused() -> None:
    """Each would post the difference to its own view and so take the other's amounts back."""
    first = make_budget("budgets")
    second = make_budget("forecast", first_month="2026-06", last_month="2027-05")

    [fault] = faults_of(first, second)

    assert fault.startswith("ledgers are written by forecast too, from 2026-06 to 2026-12")
    assert faults_of(second, first)


@pytest.mark.parametrize(
    "changes",
    [
        {"ledgers": ["00001/BU"]},
        {"first_month": "2027-01", "last_month": "2027-12"},
        {"target": "other"},
    ],
)
def test_budget_flows_that_share_nothing_pass(changes: dict[str, Any]) -> None:
    """Another ledger, other months or another ERP are nobody's concern."""
    assert faults_of(make_budget("budgets"), make_budget("forecast", **changes)) == []
