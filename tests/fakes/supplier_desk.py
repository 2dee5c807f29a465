"""Plans of supplier revisions sent as a run would, over a fake ERP and real records."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.killing import Killer
from tests.fakes.steps import Crash, FakeSteps
from tests.fakes.suppliers import FakeSuppliers

from ml_connector.errors import ConnectorError
from ml_connector.flows.bench import SupplierBench, cut, store_document
from ml_connector.flows.revising.changes import CHUNK_BATCH, Revision, render_revision
from ml_connector.flows.revising.proof import conclude_suppliers
from ml_connector.flows.revising.reversing import plan_supplier_reversal
from ml_connector.flows.revising.sending import send_all
from ml_connector.flows.revising.settling import settle_earlier
from ml_connector.ports import FileColumn, Json, Posting, PostingState
from ml_connector.settings import SupplierFlow

CHUNK = 3
"""Suppliers of a chunk here, so that small plans have several."""
DAY = 86_400


def make_supplier_flow(**changes: Any) -> SupplierFlow:
    """Settings of a small supplier flow; `changes` replace its keys."""
    return SupplierFlow.model_validate(
        {
            "kind": "suppliers", "name": "suppliers", "source": "model", "target": "erp",
            "export": "Revised", "attributes": [{"attribute": "alias", "column": "Alias"}],
            "approval": {"people": 0},
        }
        | changes
    )  # fmt: skip


class CountingKiller(Killer):
    """A killer whose count holds when calls are made from several threads."""

    lock = Lock()

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The call's result, unless this is the one to die after."""
        result = function(*args, **kwargs)
        with self.lock:
            self.calls += 1
            if self.calls != self.at:
                return result
            self.died = name
        raise Crash(name)


@dataclass(slots=True, kw_only=True)
class SupplierDesk:
    """Sends plans, one run each, and remembers their steps."""

    desk: FakeDesk
    erp: FakeSuppliers
    flow: SupplierFlow = field(default_factory=make_supplier_flow)
    template: tuple[FileColumn, ...] = ()
    killer: Killer | None = None
    actor: str = "maker"
    steps: FakeSteps = field(default_factory=lambda: FakeSteps(run_id="suppliers-1"))
    runs: int = 1

    def bench(self) -> SupplierBench:
        """The flow's bench as a house would make it now."""
        killer = self.killer or Killer(at=0)
        return SupplierBench(
            source=self.desk.source, target=self.desk.target,
            records=killer.watch_records(self.desk.records), archive=self.desk.archive,
            clock=self.desk.clock, actor=self.actor, holder="here", flow=self.flow,
            suppliers=killer.watch(self.erp, "suppliers"), template=self.template,
        )  # fmt: skip

    # --- plans ------------------------------------------------------------------------------------

    def change(self, number: str, **after: str) -> Revision:
        """A change decided upon the supplier as it stands now."""
        held = self.erp.of(number)
        return Revision(
            number=number, name=held.attributes["name"], remote_id=held.remote_id,
            version=str(held.version), before={name: held.attributes[name] for name in after},
            after=after, model=after,
        )  # fmt: skip

    def plan(self, *revisions: Revision, send: str = "single", **changes: Any) -> str:
        """The hash of a plan of these, in small chunks, changes first."""
        size = {"batch": CHUNK_BATCH}.get(send, CHUNK)
        groups = [[one for one in revisions if one.is_creation is made] for made in (False, True)]
        document = {
            "flow": self.flow.name, "connection": "erp", "address": self.desk.source.address,
            "run_id": self.steps.run_id, "send": send,
            "changes": len(groups[0]), "creations": len(groups[1]), "reverses": "",
            "chunks": [
                store_document(self.desk.archive, [render_revision(one) for one in part])
                for group in groups
                for part in cut(group, size)
            ],
        }  # fmt: skip
        return store_document(self.desk.archive, document | changes)

    # --- runs -------------------------------------------------------------------------------------

    def send(self, *revisions: Revision, send: str = "single") -> list[Json]:
        """The rows of a new run that sends these."""
        return self.run(self.plan(*revisions, send=send))

    def run(self, plan_hash: str) -> list[Json]:
        """The rows of a new run that sends the plan."""
        self.runs += 1
        self.steps = FakeSteps(run_id=f"suppliers-{self.runs}")
        return self.resume(plan_hash)

    def resume(self, plan_hash: str) -> list[Json]:
        """The rows of the newest run, gone on with."""
        return send_all(self.steps.begin(), self.bench(), plan_hash)

    def fail(self, *revisions: Revision, send: str = "single") -> ConnectorError:
        """The error a new run stopped with."""
        with pytest.raises(ConnectorError) as caught:
            self.send(*revisions, send=send)
        return caught.value

    def conclude(self, plan_hash: str) -> Json:
        """The summary of a new run of the plan."""
        rows = self.run(plan_hash)
        return conclude_suppliers(self.steps, self.bench(), plan_hash, rows)

    def reverse(self, posting_key: str) -> Json:
        """The summary of a run that takes the posting back."""
        plan = plan_supplier_reversal(self.bench(), posting_key, f"suppliers-{self.runs + 1}")
        return self.conclude(plan["plan_hash"])

    def settle_earlier(self) -> Json:
        """What a next run finds of earlier ones."""
        return settle_earlier(self.bench())

    # --- what became of it ------------------------------------------------------------------------

    def postings(self) -> list[Posting]:
        """All postings, oldest first."""
        return list(reversed(self.desk.records.postings.load_postings()))

    def states(self) -> dict[str, PostingState]:
        """The newest state of each subject."""
        return {one.subject: one.state for one in self.postings()}

    def posting(self, subject: str) -> Posting:
        """The newest posting on the subject."""
        return next(one for one in reversed(self.postings()) if one.subject == subject)

    def agreed(self, code: str) -> tuple[dict[str, str], dict[str, str]]:
        """What model and ERP were agreed to hold."""
        found = self.desk.records.agreements.load_agreements(self.flow.name, [code]).get(code)
        return (dict(found.model), dict(found.erp)) if found else ({}, {})

    def alias(self, number: str) -> str:
        """The alias the ERP holds."""
        return self.erp.of(number).attributes["alias"]


def creation(name: str, *, number: str = "", **after: str) -> Revision:
    """A supplier that shall be made, as a comparison asks for it."""
    its = {"name": name, **after}
    known = {"number": number} if number else {}
    return Revision(number=number, name=name, after=its | known, model=its)
