"""Flows that would get in each other's way are refused before any of them runs."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ml_connector.settings import ActualsFlow, BudgetFlow
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


class Erp(Connection):
    """An ERP that says what its lines can be asked."""

    segments: frozenset[str] = frozenset({"account", "entity"})


def test_an_exclusion_by_a_fact_no_line_has_is_refused() -> None:
    """It would leave nothing out, without a word; a source that does not say is not asked."""
    flow = ActualsFlow.model_validate(
        {
            "kind": "actuals", "name": "actuals", "source": "erp", "target": "model",
            "ledgers": ["US"], "first_month": "2026-08", "module": "Actuals", "mapping": "a.csv",
            "dimensions": [{"name": "period", "column": "Period", "source": "period"}],
            "actions": {"load": "Load", "export": "Read back"},
            "exclusions": [{"name": "x", "when": {"entity": "1", "ledger": "US", "acount": "2"}}],
        }
    )  # fmt: skip

    def find(erp: Connection) -> list[tuple[str, str, str]]:
        found = check_flow(flow, root=Path(), connections={"erp": erp}, flows={})
        return [
            (".".join(map(str, one.loc)), one.problem, one.allowed)
            for one in found
            if one.loc[0] == "exclusions"
        ]

    known = "account, category, chart, currency, entity, ledger, source"
    wanted = ("exclusions.0.when.acount", "is no fact of erp", known)
    assert find(Erp(kind="jde")) == [wanted]
    assert find(Connection(kind="jde")) == []
