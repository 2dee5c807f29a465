"""Suppliers through an import: a file, a job that is waited for, and every supplier read."""

from datetime import timedelta

import pytest
from tests.fakes.supplier_desk import DAY, SupplierDesk, creation, make_supplier_flow
from tests.fakes.suppliers import TEMPLATE

from ml_connector.errors import OutcomeUnknownError, RefusedError
from ml_connector.flows.revising.importing import ImportUnderWayError
from ml_connector.flows.revising.settling import settle_supplier
from ml_connector.ports import FileAction, FileRow, JobState, PostingState

CONFIRMED, REFUSED = PostingState.CONFIRMED, PostingState.REFUSED
UNKNOWN, QUARANTINED = PostingState.UNKNOWN, PostingState.QUARANTINED
NUMBERS = ["0001", "0002", "0003"]


@pytest.fixture(autouse=True)
def template(sender: SupplierDesk) -> None:
    """Every test has a template, and chunks of one file."""
    sender.template = TEMPLATE


def test_file_writes_changes_and_creations(sender: SupplierDesk) -> None:
    """Suppliers are named as they are, a new name stands beside; each is settled by a look."""
    sender.send(
        sender.change("0001", name="Renamed", alias="X"), sender.change("0002", alias=""),
        creation("Fresh", alias="F"), send="file",
    )  # fmt: skip

    first, second = sender.erp.files
    assert first.rows == (
        FileRow(
            action=FileAction.UPDATE,
            attributes={
                "name": "Supplier 0001", "number": "0001", "new_name": "Renamed", "alias": "X",
            },
        ),
        FileRow(
            action=FileAction.UPDATE,
            attributes={"name": "Supplier 0002", "number": "0002", "alias": ""},
        ),
    )  # fmt: skip
    assert [row.action for row in second.rows] == [FileAction.CREATE]
    assert first.batch != second.batch
    assert set(sender.states().values()) == {CONFIRMED}
    assert sender.erp.of("0001").attributes["name"] == "Renamed"
    assert sender.agreed("0001")[1] == {"name": "Renamed", "alias": "X"}
    receipt = sender.posting("supplier 0001").receipt
    assert (receipt["job"], receipt["batch"], receipt["row"]) == ("15001", first.batch, 1)


def test_supplier_that_moved_is_left_out_of_the_file(sender: SupplierDesk) -> None:
    """A row names no version, so the look right before the file is what protects others' work."""
    changes = [sender.change(number, alias="X") for number in NUMBERS]
    sender.erp.edit("0002", customer_number="THEIRS")

    sender.send(*changes, creation("supplier 0005"), send="file")

    assert [row.attributes["number"] for row in sender.erp.files[0].rows] == ["0001", "0003"]
    assert "changed in the ERP since the plan" in sender.posting("supplier 0002").reason
    assert "has it already" in sender.posting("new supplier supplier 0005").reason
    assert sender.alias("0002") == "OLD 2"
    assert len(sender.erp.files) == 1


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.WARNED])
def test_refused_rows_are_told_apart_by_looking(sender: SupplierDesk, state: JobState) -> None:
    """The job's word counts for nothing; the report gives the reason of what is not there."""
    sender.erp.job_state, sender.erp.refuses = state, {"0002": "No such site."}
    before = sender.desk.clock.now()

    sender.send(*(sender.change(number, alias="X") for number in NUMBERS), send="file")

    assert sender.states() == {
        "supplier 0001": CONFIRMED, "supplier 0002": REFUSED, "supplier 0003": CONFIRMED,
    }  # fmt: skip
    assert sender.posting("supplier 0002").reason == "No such site. [NAME]"
    assert sender.desk.clock.now() - before < timedelta(minutes=5)


@pytest.mark.parametrize(("is_whole", "has_report"), [(False, True), (True, False)])
def test_incomplete_report_only_costs_the_reasons(
    sender: SupplierDesk, *, is_whole: bool, has_report: bool
) -> None:
    """A supplier that shows nothing of the file until the settle time has passed was not taken."""
    sender.erp.refuses = {"0002": "No such site."}
    sender.erp.is_whole, sender.erp.has_report = is_whole, has_report
    before = sender.desk.clock.now()

    sender.send(*(sender.change(number, alias="X") for number in NUMBERS), send="file")

    assert sender.posting("supplier 0002").state is REFUSED
    assert "no report names it" in sender.posting("supplier 0002").reason
    assert sender.desk.clock.now() - before > timedelta(minutes=15)
    assert [sender.alias(number) for number in NUMBERS] == ["X", "OLD 2", "X"]


def test_failed_job_refuses_what_no_supplier_shows(sender: SupplierDesk) -> None:
    """Nothing is waited for once the job itself has failed."""
    sender.erp.job_state = JobState.FAILED

    sender.send(sender.change("0001", alias="X"), creation("Fresh"), send="file")

    assert set(sender.states().values()) == {REFUSED}
    assert "failed" in sender.posting("supplier 0001").reason
    assert sender.erp.calls["file"] == 2


def test_part_of_a_row_is_quarantined(sender: SupplierDesk) -> None:
    """What the import passed over in silence is a person's to see."""
    sender.erp.ignores = {"customer_number"}

    sender.send(sender.change("0001", alias="X", customer_number="C"), send="file")

    assert sender.states() == {"supplier 0001": QUARANTINED}
    assert "customer_number is ''" in sender.posting("supplier 0001").reason


def test_rejected_file_refuses_all_of_it(sender: SupplierDesk) -> None:
    """The ERP started no job and says why."""
    sender.erp.errors = [RefusedError("No job, -1.", written="Nothing.", next_step="Look.")]

    sender.send(*(sender.change(number, alias="X") for number in NUMBERS), send="file")

    assert set(sender.states().values()) == {REFUSED}
    assert sender.posting("supplier 0001").reason == "the file was refused whole: No job, -1."


def test_attribute_without_a_column_refuses_its_supplier_only(sender: SupplierDesk) -> None:
    """The others of the file are written."""
    sender.erp.of("0002").attributes["tax_reporting_name"] = ""

    sender.send(
        sender.change("0001", alias="X"), sender.change("0002", tax_reporting_name="T"), send="file"
    )

    assert sender.states() == {"supplier 0001": CONFIRMED, "supplier 0002": REFUSED}
    assert "no column for tax_reporting_name" in sender.posting("supplier 0002").reason


@pytest.mark.parametrize("lost", ["lose_before", "lose_after", "late"])
def test_file_without_an_answer_is_settled_by_the_suppliers_alone(
    sender: SupplierDesk, lost: str
) -> None:
    """Only after the settle time it counts as never taken, and leaves under another name."""
    setattr(sender.erp, lost, 1)
    before = sender.desk.clock.now()

    sender.send(*(sender.change(number, alias="X") for number in NUMBERS), send="file")

    assert set(sender.states().values()) == {CONFIRMED}
    assert {number: sender.erp.writes[number] for number in NUMBERS} == dict.fromkeys(NUMBERS, 1)
    assert len({file.batch for file in sender.erp.files}) == len(sender.erp.files) == 1
    assert sender.desk.clock.now() - before > timedelta(minutes=15)


def test_supplier_that_moves_while_a_lost_file_may_still_write_is_not_judged_early(
    sender: SupplierDesk,
) -> None:
    """Somebody's change just before the import is no proof that the import left it alone."""
    sender.erp.lose_after = 1
    change = sender.change("0001", alias="X")
    now = sender.desk.clock.now()
    sender.erp.on_write = lambda: sender.erp.pending.append(
        (now, lambda: sender.erp.edit("0001", customer_number="THEIRS"))
    )

    sender.send(change, send="file")

    assert sender.states() == {"supplier 0001": CONFIRMED}
    assert sender.alias("0001") == "X"


def test_job_that_one_posting_knows_is_the_job_of_its_whole_file(sender: SupplierDesk) -> None:
    """A process that ended while it stored the job's id sends no second file beside the first."""
    sender.erp.job_takes = timedelta(minutes=30)
    plan = sender.plan(*(sender.change(number, alias="X") for number in NUMBERS), send="file")
    with pytest.raises(ImportUnderWayError):
        sender.run(plan)
    posting = sender.posting("supplier 0002")
    forgotten = {name: value for name, value in posting.receipt.items() if name != "job"}
    sender.desk.records.postings.save_posting(posting.posting_key, UNKNOWN, receipt=forgotten)

    sender.resume(plan)

    assert sender.erp.calls["file"] == 1
    assert sender.posting("supplier 0002").receipt["job"] == "15001"
    assert set(sender.states().values()) == {CONFIRMED}


def test_name_of_a_second_file_was_never_used(sender: SupplierDesk) -> None:
    """Rows of the first may wait untouched in the ERP under its name."""
    sender.erp.lose_after, sender.erp.job_state = 1, JobState.FAILED

    sender.send(sender.change("0001", alias="X"), send="file")

    first, second = sender.erp.files
    assert first.rows == second.rows
    assert first.batch != second.batch
    assert sender.states() == {"supplier 0001": REFUSED}


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.UNKNOWN])
def test_job_that_does_not_end_stops_the_run_and_is_followed_later(
    sender: SupplierDesk, state: JobState
) -> None:
    """Nothing is sent again while it may still write; a resume reads what it took."""
    sender.erp.job_takes = timedelta(minutes=30)
    sender.erp.job_state = state
    plan = sender.plan(*(sender.change(number, alias="X") for number in NUMBERS), send="file")

    with pytest.raises(ImportUnderWayError, match="Job 15001"):
        sender.run(plan)
    stopped = set(sender.states().values())
    waiting = sender.settle_earlier()
    sender.resume(plan)

    assert stopped == {UNKNOWN}
    assert waiting == {"settled": 0, "waiting": [f"supplier {n}" for n in reversed(NUMBERS)]}
    assert set(sender.states().values()) == {CONFIRMED}
    assert sender.erp.calls["file"] == 1


def test_job_nobody_tells_of_is_settled_by_a_person_alone(sender: SupplierDesk) -> None:
    """A supplier that shows nothing of it stays unknown until somebody asks."""
    sender.erp.job_state, sender.erp.refuses = JobState.UNKNOWN, {"0001": "No."}
    plan = sender.plan(sender.change("0001", alias="X"), send="file")
    with pytest.raises(OutcomeUnknownError):
        sender.run(plan)
    sender.desk.clock.sleep(DAY)

    waiting = sender.settle_earlier()["waiting"]
    settled, seen = settle_supplier(sender.bench(), sender.posting("supplier 0001"))

    assert waiting == ["supplier 0001"]
    assert settled.state is REFUSED
    assert seen == "it stands as it did when planned"


def test_new_supplier_of_a_file_is_waited_for(sender: SupplierDesk) -> None:
    """Not every server shows at once what the import has made."""
    sender.flow = make_supplier_flow(settle_minutes=30)
    sender.erp.slow = timedelta(minutes=10)

    sender.send(creation("Fresh"), send="file")

    assert sender.states() == {"new supplier Fresh": CONFIRMED}
    assert len(sender.erp.named("Fresh")) == 1


def test_new_supplier_that_a_lost_file_made_is_looked_for_before_it_is_refused(
    sender: SupplierDesk,
) -> None:
    """The second file is refused its name because the first has made it, which shows later."""
    sender.erp.lose_after, sender.erp.slow = 1, timedelta(minutes=15)

    sender.send(creation("Fresh"), send="file")

    assert len(sender.erp.files) == 2
    assert sender.states() == {"new supplier Fresh": CONFIRMED}
    assert len(sender.erp.named("Fresh")) == 1


def test_erp_without_time_for_a_file_is_asked_again(sender: SupplierDesk) -> None:
    """Nothing was taken of it, so it leaves once more after a pause."""
    sender.erp.busy = 2

    sender.send(sender.change("0001", alias="X"), send="file")

    assert sender.erp.calls["file"] == 3
    assert sender.erp.writes["0001"] == 1
