"""A budget flow over the fakes: a model whose export is the approved view, an ERP in memory."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.journals import FakeJournals
from tests.fakes.killing import Killer
from tests.fakes.ledger import CALENDAR, CHART
from tests.fakes.model import EXPORT, FakeTarget
from tests.fakes.steps import FakeSteps

from ml_connector.domain.ledger import Ledger
from ml_connector.engine.steps import copy_storable
from ml_connector.errors import ConnectorError
from ml_connector.flows.bench import BudgetBench
from ml_connector.flows.budgets import run_budget
from ml_connector.ports import RUN_RESUMED, Json, PostingState, RunState
from ml_connector.settings import BudgetFlow

LEDGER = "00001/BA"
COLUMNS = ("Company", "Account", "Unit", "Time", "Amount")
VIEW = {("30.8720", "Sep 26"): "1250.5", ("30.8730", "Sep 26"): "-300", ("M30.8720", "Oct 26"): "7"}

APPROVED = {
    ("30.8720", "09-26"): Decimal("1250.5"),
    ("30.8730", "09-26"): Decimal(-300),
    ("M30.8720", "10-26"): Decimal(7),
}
"""What the ledger then holds, by account and period."""


def make_flow(**changes: Any) -> BudgetFlow:
    """Settings of a small budget flow; `changes` replace its keys."""
    return BudgetFlow.model_validate(
        {
            "kind": "budget", "name": "budgets", "source": "model", "target": "erp",
            "export": EXPORT.name, "ledgers": [LEDGER], "first_month": "2026-09",
            "last_month": "2026-10", "approval": {"people": 0},
            "columns": {
                "company": {"column": "Company"}, "account": {"column": "Account"},
                "business_unit": {"column": "Unit"}, "period": "Time",
            },
        }
        | changes
    )  # fmt: skip


class ViewTarget(FakeTarget):
    """A model whose export is the approved view."""

    view: dict[tuple[str, str], str]
    company: str = "00001"

    def read_export_file(self, file_id: str) -> Iterator[bytes]:
        """One row for each account and period."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for (account, month), amount in self.view.items():
            unit, _, number = account.partition(".")
            writer.writerow([self.company, number, unit, month, amount])
        yield out.getvalue().encode()


@dataclass(slots=True, kw_only=True)
class BudgetDesk:
    """Runs one budget flow as the engine would."""

    desk: FakeDesk
    target: ViewTarget
    journals: FakeJournals
    flow: BudgetFlow = field(default_factory=make_flow)
    actor: str = "maker"
    killer: Killer | None = None
    steps: dict[str, FakeSteps] = field(default_factory=dict)
    runs: int = 0

    def bench(self) -> BudgetBench:
        """The flow's bench as a house would make it now."""
        killer = self.killer or Killer(at=0)
        return BudgetBench(
            source=self.desk.source, target=killer.watch(self.target, "target"),
            records=killer.watch_records(self.desk.records), archive=self.desk.archive,
            clock=self.desk.clock, actor=self.actor, holder="here", flow=self.flow,
            journals=killer.watch(self.journals, "journals"),
        )  # fmt: skip

    def run(self, **request: Any) -> Json:
        """The summary of a new run."""
        self.runs += 1
        run_id = f"budgets-{self.runs}"
        self.desk.records.runs.create_run(
            run_id=run_id, flow=self.flow.name, kind="budget", actor=self.actor, request=request
        )
        # Over at once: whether the flow is busy is not asked here.
        self.desk.records.runs.save_run(run_id, RunState.SUCCEEDED)
        self.steps[run_id] = FakeSteps(run_id=run_id)
        return self._execute(request)

    def resume(self, **request: Any) -> Json:
        """The summary of the newest run, gone on with by whoever acts now."""
        self.desk.records.audit.record(
            RUN_RESUMED, subject=self.flow.name, actor=self.actor, run_id=f"budgets-{self.runs}"
        )
        return self._execute(request)

    def _execute(self, request: Json) -> Json:
        steps = self.steps[f"budgets-{self.runs}"].begin()
        return copy_storable(run_budget(steps, request, self.bench()), what="summary")

    def fail(self, **request: Any) -> ConnectorError:
        """The error a new run stopped with."""
        with pytest.raises(ConnectorError) as caught:
            self.run(**request)
        return caught.value

    def approve(self, plan: str, *people: str) -> None:
        """These people approve the plan."""
        for person in people:
            self.desk.records.approvals.decide(plan, actor=person, approves=True, reason="fine")

    def held(self) -> dict[tuple[str, str], Decimal]:
        """What the ledger holds by account and period; zeros left out."""
        found: dict[tuple[str, str], Decimal] = {}
        for batch in self.desk.source.batches.values():
            for line in batch.lines:
                key = (line.combination, line.period)
                found[key] = found.get(key, Decimal(0)) + line.debit - line.credit
        return {key: amount for key, amount in found.items() if amount}

    def postings(self) -> list[PostingState]:
        """States of all postings, newest first."""
        return [one.state for one in self.desk.records.postings.load_postings()]


def build_budget(desk: FakeDesk) -> BudgetDesk:
    """A desk of one budget ledger with three accounts."""
    source = desk.source
    source.ledgers = [
        Ledger(name=LEDGER, ledger_id="00001", currency="USD", chart=CHART.name, calendar=CALENDAR)
    ]
    source.periods[LEDGER] = source.periods["US"]
    target = ViewTarget(clock=desk.clock, headers=COLUMNS, lists={}, list_of={})
    target.view = dict(VIEW)
    accounts = dict.fromkeys(("30.8720", "30.8730", "M30.8720"), "")
    journals = FakeJournals(source=source, accounts=accounts)
    return BudgetDesk(desk=desk, target=target, journals=journals)
