"""What a supplier shows of a revision, told from spelling and from other suppliers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.supplier_desk import SupplierDesk
from tests.fakes.suppliers import TEMPLATE, FakeSuppliers

from ml_connector.flows.revising.shown import is_alike
from ml_connector.ports import FileReport, PostingState, SupplierChange, SupplierReceipt

QUARANTINED = PostingState.QUARANTINED


@pytest.mark.parametrize(
    ("name", "one", "other", "alike"),
    [
        ("name", "Straße 1 ", "STRASSE 1", True),
        ("name", "Acme", "Acme Ltd", False),
        ("potential_revenue", "1250.50", "1250.5", True),
        ("potential_revenue", "1250.5", "1250.51", False),
        ("potential_revenue", "", "0", False),
        ("inactive_date", "", "4712-12-31", True),
        ("inactive_date", "2027-01-31", "2027-02-01", False),
        ("duns_number", "007", "7", False),
    ],
)
def test_values_are_alike_but_for_spelling(name: str, one: str, other: str, *, alike: bool) -> None:
    """Case, outer blanks, needless zeros of amounts and the day that stands for none."""
    assert is_alike(name, one, other) is is_alike(name, other, one) is alike


def test_number_that_stands_for_another_supplier_by_now_is_quarantined(
    sender: SupplierDesk,
) -> None:
    """A supplier is what its id says, whatever values and number it shows."""
    sender.erp.lose_before = 1
    change = sender.change("0001", alias="X")
    del sender.erp.held[change.remote_id]
    sender.erp.add("0001", alias="X")

    sender.send(change)

    assert sender.states() == {"supplier 0001": QUARANTINED}
    assert "another supplier" in sender.posting("supplier 0001").reason


def test_supplier_that_vanished_after_a_lost_answer_is_quarantined(sender: SupplierDesk) -> None:
    """Nobody can say what became of it; it is looked for until the settle time has passed."""
    sender.erp.lose_before = 1
    change = sender.change("0001", alias="X")
    before = sender.desk.clock.now()
    del sender.erp.held[change.remote_id]

    sender.send(change)

    assert sender.states() == {"supplier 0001": QUARANTINED}
    assert "erp shows 0 suppliers 0001" in sender.posting("supplier 0001").reason
    assert sender.desk.clock.now() - before >= timedelta(minutes=15)


class MiscountingSuppliers(FakeSuppliers):
    """Answers a batch with one receipt fewer, once."""

    is_cut = True

    def submit_batch(self, changes: Sequence[SupplierChange]) -> tuple[SupplierReceipt, ...]:
        """All changes are made, and not all are told."""
        receipts = super().submit_batch(changes)
        MiscountingSuppliers.is_cut, cut = False, MiscountingSuppliers.is_cut
        return receipts[1:] if cut else receipts


def test_batch_with_fewer_answers_than_changes_is_settled_by_looking(
    sender: SupplierDesk,
) -> None:
    """Which answer belongs to which change is not guessed."""
    sender.erp = MiscountingSuppliers(clock=sender.desk.clock, held=sender.erp.held)
    changes = [sender.change(f"000{number}", alias=f"NEW {number}") for number in (1, 2, 3)]

    sender.send(*changes, send="batch")

    assert set(sender.states().values()) == {PostingState.CONFIRMED}
    assert [sender.posting(f"supplier 000{n}").receipt["number"] for n in (1, 2, 3)] == [
        "0001", "0002", "0003",
    ]  # fmt: skip
    assert sender.erp.calls["batch"] == 1


class NamelessReports(FakeSuppliers):
    """Its reports know rows by their place alone."""

    def read_job_report(self, job_id: str) -> FileReport:
        """The places of refused rows, without names and numbers."""
        report = super().read_job_report(job_id)
        bare = tuple(replace(one, name="", number="") for one in report.refusals)
        return replace(report, refusals=bare)


def test_refused_row_is_found_by_its_place_when_the_report_names_nothing(
    sender: SupplierDesk,
) -> None:
    """Places count the rows that left, not those of the plan."""
    sender.template = TEMPLATE
    sender.erp = NamelessReports(
        clock=sender.desk.clock, held=sender.erp.held, refuses={"0003": "No such site."}
    )
    changes = [sender.change(f"000{number}", alias="X") for number in (1, 2, 3)]
    sender.erp.edit("0001", alias="THEIRS")

    sender.send(*changes, send="file")

    assert sender.posting("supplier 0003").reason == "No such site. [NAME]"
    assert sender.states()["supplier 0002"] is PostingState.CONFIRMED
