"""A supplier flow over the fakes: a model whose export is the revised list, an ERP in memory."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.killing import Killer
from tests.fakes.model import EXPORT, FakeTarget
from tests.fakes.steps import FakeSteps
from tests.fakes.suppliers import FakeSuppliers

from ml_connector.engine.steps import copy_storable
from ml_connector.errors import ConnectorError
from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.runs import finish_run
from ml_connector.flows.suppliers import run_suppliers
from ml_connector.ports import FileColumn, Json, PostingState
from ml_connector.settings import SupplierFlow

COLUMNS = ("Code", "Name", "Alias", "Customer Number")
ATTRIBUTES: list[Json] = [
    {"attribute": "alias", "column": "Alias"},
    {"attribute": "customer_number", "column": "Customer Number"},
]
NAMED: Json = {"attribute": "name", "column": "Name"}


def make_flow(**changes: Any) -> SupplierFlow:
    """Settings of a small supplier flow; `changes` replace its keys."""
    return SupplierFlow.model_validate(
        {
            "kind": "suppliers", "name": "revisions", "source": "model", "target": "erp",
            "export": EXPORT.name, "attributes": ATTRIBUTES, "approval": {"people": 0},
            "unknown": "model",
        }
        | changes
    )  # fmt: skip


class ListTarget(FakeTarget):
    """A model whose export is the revised list: rows of code, name, alias, customer number."""

    rows: list[list[str]]
    columns: tuple[str, ...] = COLUMNS

    def read_export_file(self, file_id: str) -> Iterator[bytes]:
        """A row for each supplier."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([self.columns, *self.rows])
        yield out.getvalue().encode()


@dataclass(slots=True, kw_only=True)
class RevisedDesk:
    """Runs one supplier flow as the engine would."""

    desk: FakeDesk
    target: ListTarget
    suppliers: FakeSuppliers
    flow: SupplierFlow = field(default_factory=make_flow)
    template: tuple[FileColumn, ...] = ()
    actor: str = "maker"
    killer: Killer | None = None
    steps: dict[str, FakeSteps] = field(default_factory=dict)
    runs: int = 0

    def bench(self) -> SupplierBench:
        """The flow's bench as a house would make it now."""
        killer = self.killer or Killer(at=0)
        return SupplierBench(
            source=self.desk.source, target=killer.watch(self.target, "target"),
            records=killer.watch_records(self.desk.records), archive=self.desk.archive,
            clock=self.desk.clock, actor=self.actor, holder="here", flow=self.flow,
            suppliers=killer.watch(self.suppliers, "suppliers"), template=self.template,
        )  # fmt: skip

    def run(self, **request: Any) -> Json:
        """The summary of a new run, which ends in the history as it would."""
        self.runs += 1
        run_id = f"revisions-{self.runs}"
        self.desk.records.runs.create_run(
            run_id=run_id, flow=self.flow.name, kind="suppliers", actor=self.actor, request=request
        )
        self.steps[run_id] = FakeSteps(run_id=run_id)
        return self.resume(**request)

    def resume(self, **request: Any) -> Json:
        """The summary of the newest run, gone on with."""
        run_id = f"revisions-{self.runs}"
        steps = self.steps[run_id].begin()
        try:
            summary = copy_storable(run_suppliers(steps, request, self.bench()), what="summary")
        except ConnectorError as error:
            finish_run(self.desk.records, run_id, summary=None, error=error)
            raise
        finish_run(self.desk.records, run_id, summary=summary, error=None)
        return summary

    def fail(self, **request: Any) -> ConnectorError:
        """The error a new run stopped with."""
        with pytest.raises(ConnectorError) as caught:
            self.run(**request)
        return caught.value

    def approve(self, plan: str, *people: str) -> None:
        """These people approve the plan."""
        for person in people:
            self.desk.records.approvals.decide(plan, actor=person, approves=True, reason="fine")

    def aliases(self) -> dict[str, str]:
        """What the ERP holds as alias, by number."""
        return {one.number: one.attributes["alias"] for one in self.suppliers.held.values()}

    def postings(self) -> list[PostingState]:
        """States of all postings, newest first."""
        return [one.state for one in self.desk.records.postings.load_postings()]


def build_revised_desk(desk: FakeDesk) -> RevisedDesk:
    """A desk of three suppliers whose aliases the model has revised."""
    suppliers = FakeSuppliers(clock=desk.clock)
    target = ListTarget(clock=desk.clock, headers=COLUMNS, lists={}, list_of={})
    target.rows = []
    for number in ("1", "2", "3"):
        suppliers.add(number, customer_number=f"C{number}")
        target.rows.append([number, f"Supplier {number}", f"A{number}", ""])
    return RevisedDesk(desk=desk, target=target, suppliers=suppliers)
