"""A whole plan of revisions sent to a pod: each way of sending, and answers that are lost."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes.steps import FakeSteps

from ml_connector.archive import LocalArchive
from ml_connector.flows.bench import SupplierBench, store_document
from ml_connector.flows.revising.changes import Revision, render_revision
from ml_connector.flows.revising.proof import conclude_suppliers
from ml_connector.flows.revising.sending import send_all
from ml_connector.ports import Json, PostingState, Records
from ml_connector.settings import SupplierFlow

NUMBERS = ("10005", "10006", "10007")
WAYS = ("single", "batch", "file")
CONFIRMED, REFUSED = PostingState.CONFIRMED, PostingState.REFUSED
PATHS = {
    "single": ("PATCH", "suppliers/"),
    "batch": ("POST", "resources/11.13.18.05$"),
    "file": ("POST", "erpintegrations$"),
}
"""Where each way of sending leaves through."""


@dataclass(slots=True, kw_only=True)
class PlanDesk:
    """Sends plans to the pod as a run would."""

    scene: Any
    bench: SupplierBench
    runs: list[FakeSteps] = field(default_factory=list)

    def change(self, number: str, **after: str) -> Revision:
        """A change decided upon the supplier as it stands now."""
        row = self.scene.source.read_supplier(number)
        return Revision(
            number=number, name=row.attributes["name"], remote_id=row.remote_id,
            version=row.version, before={name: row.attributes[name] for name in after},
            after=after, model=after,
        )  # fmt: skip

    def send(self, way: str, *revisions: Revision) -> Json:
        """The summary of a run that sends these and ends."""
        archive = self.bench.archive
        groups = [[r for r in revisions if r.is_creation is made] for made in (False, True)]
        plan_hash = store_document(
            archive,
            {
                "flow": "suppliers", "connection": "erp", "run_id": f"run-{len(self.runs)}",
                "send": way, "changes": len(groups[0]), "creations": len(groups[1]),
                "chunks": [
                    store_document(archive, [render_revision(one) for one in group])
                    for group in groups
                    if group
                ],
                "reverses": "",
            },
        )  # fmt: skip
        self.runs.append(FakeSteps(run_id=f"run-{len(self.runs)}"))
        rows = send_all(self.runs[-1], self.bench, plan_hash)
        return conclude_suppliers(self.runs[-1], self.bench, plan_hash, rows)

    def states(self) -> dict[str, PostingState]:
        """The newest state of each subject."""
        postings = self.bench.records.postings.load_postings()
        return {one.subject: one.state for one in reversed(postings)}

    def aliases(self) -> list[str | None]:
        """What the books hold."""
        return [self.scene.shown(number)["Alias"] for number in NUMBERS]


NEW = Revision(
    number="", name="Filed Ltd",
    after={
        "name": "Filed Ltd", "business_relationship": "PROSPECTIVE",
        "tax_organisation_type": "CORPORATION",
    },
    model={"name": "Filed Ltd"},
)  # fmt: skip


@pytest.fixture
def plans(scene: Any, records: Records, tmp_path: Path) -> PlanDesk:
    """A desk over a pod of its own."""
    columns = scene.file().columns
    flow = SupplierFlow.model_validate(
        {
            "kind": "suppliers", "name": "suppliers", "source": "model", "target": "erp",
            "export": "Revised", "attributes": [{"attribute": "alias", "column": "Alias"}],
        }
    )  # fmt: skip
    bench = SupplierBench(
        source=scene.source, target=SimpleNamespace(), records=records,
        archive=LocalArchive(tmp_path / "archive", organisation="default"),
        clock=scene.pod.clock, actor="tester", holder="here", flow=flow,
        suppliers=scene.source, template=columns,
    )  # fmt: skip
    return PlanDesk(scene=scene, bench=bench)


@pytest.mark.parametrize("way", WAYS)
def test_plan_is_written_and_proven(plans: PlanDesk, way: str) -> None:
    """Changes and a creation stand in the books as they were sent, and are agreed upon."""
    summary = plans.send(way, *(plans.change(n, alias=f"A {n}") for n in NUMBERS), NEW)

    assert (summary["state"], summary["confirmed"]) == ("succeeded", 4)
    assert plans.aliases() == [f"A {number}" for number in NUMBERS]
    agreed = plans.bench.records.agreements.load_agreements("suppliers", NUMBERS)
    assert {code: one.erp["alias"] for code, one in agreed.items()} == {
        number: f"A {number}" for number in NUMBERS
    }
    assert len(plans.scene.ask("Supplier='Filed Ltd'")) == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
@pytest.mark.parametrize("way", WAYS)
def test_lost_answer_writes_everything_once(plans: PlanDesk, way: str, kind: str) -> None:
    """Whether it was lost before or after its effect, the books tell, and the run ends well."""
    method, path = PATHS[way]
    changes = [plans.change(number, alias=f"A {number}") for number in NUMBERS]
    versions = {one.number: one.version for one in changes}
    plans.scene.pod.spoil(kind=kind, path=path, method=method)

    summary = plans.send(way, *changes)

    assert (summary["state"], summary["confirmed"]) == ("succeeded", 3)
    assert plans.aliases() == [f"A {number}" for number in NUMBERS]
    receipts = [one.receipt for one in plans.bench.records.postings.load_postings()]
    assert all(versions[receipt["number"]] != receipt["version"] for receipt in receipts)


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_lost_answer_makes_one_supplier(plans: PlanDesk, kind: str) -> None:
    """It is looked for by its name before it is sent once more."""
    plans.scene.pod.spoil(kind=kind, path="suppliers$", method="POST")

    summary = plans.send("single", NEW)

    assert summary["state"] == "succeeded"
    assert len(plans.scene.ask("Supplier='Filed Ltd'")) == 1


@pytest.mark.parametrize("way", WAYS)
def test_supplier_somebody_changed_stays_as_it_is(plans: PlanDesk, way: str) -> None:
    """One by one and by file the others are written; a batch is left away whole."""
    changes = [plans.change(number, alias=f"A {number}") for number in NUMBERS]
    plans.scene.source.submit_change(plans.scene.change("10006", customer_number="THEIRS"))

    summary = plans.send(way, *changes)

    written = way != "batch"
    assert summary["state"] == "partly succeeded"
    assert plans.states() == {
        "supplier 10005": CONFIRMED if written else REFUSED,
        "supplier 10006": REFUSED,
        "supplier 10007": CONFIRMED if written else REFUSED,
    }
    assert plans.aliases()[1] is None
    assert plans.scene.shown("10006")["CustomerNumber"] == "THEIRS"


def test_row_an_import_refuses_is_told_in_its_words(plans: PlanDesk) -> None:
    """The job succeeds; the report names the row, and the books show what was taken."""
    bad = plans.change("10006", tax_organisation_type="NONSENSE")

    summary = plans.send("file", plans.change("10005", alias="A"), bad)

    assert (summary["confirmed"], summary["refused"]) == (1, 1)
    assert summary["refusals"][0]["subject"] == "supplier 10006"
    assert "ORGANIZATION_TYPE" in summary["refusals"][0]["reason"]
