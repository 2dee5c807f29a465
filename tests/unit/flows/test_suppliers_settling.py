"""What is left of earlier plans, proven at the end, or taken back: the ERP's word decides."""

from datetime import timedelta
from typing import Any

import pytest
from tests.fakes.steps import Crash
from tests.fakes.supplier_desk import DAY, SupplierDesk, creation, make_supplier_flow
from tests.fakes.suppliers import LATE

from ml_connector.errors import UsageError
from ml_connector.flows.bench import read_document
from ml_connector.flows.revising.reversing import SupplierNotReversibleError, plan_supplier_reversal
from ml_connector.flows.revising.settling import settle_supplier
from ml_connector.ports import Posting, PostingState

CONFIRMED, REFUSED = PostingState.CONFIRMED, PostingState.REFUSED
UNKNOWN, QUARANTINED = PostingState.UNKNOWN, PostingState.QUARANTINED
SUBJECT = "supplier 0001"


def crash(sender: SupplierDesk, *revisions: Any) -> None:
    """A run whose process ends inside its first request."""
    sender.erp.errors = [Crash()]  # type: ignore[list-item] # A process that ends is no exception.
    with pytest.raises(Crash):
        sender.send(*revisions)


def settle(sender: SupplierDesk, subject: str = SUBJECT) -> tuple[Posting, str]:
    """The posting after a look a person asked for."""
    return settle_supplier(sender.bench(), sender.posting(subject))


# --- earlier plans --------------------------------------------------------------------------------


def test_untouched_supplier_waits_for_the_settle_time_and_is_free_then(
    sender: SupplierDesk,
) -> None:
    """Too early a look says nothing; later it was never written, and a new plan may write it."""
    crash(sender, sender.change("0001", alias="X"))

    early = sender.settle_earlier()
    sender.desk.clock.sleep(DAY)
    late = sender.settle_earlier()
    sender.send(sender.change("0001", alias="Y"))

    assert early == {"settled": 0, "waiting": [SUBJECT]}
    assert late == {"settled": 1, "waiting": []}
    assert [one.state for one in sender.postings()] == [REFUSED, CONFIRMED]
    assert sender.alias("0001") == "Y"


def test_supplier_is_not_looked_for_where_its_connection_leads_since(sender: SupplierDesk) -> None:
    """Untouched there means nothing; it waits, and is in no new plan, until that is set back."""
    crash(sender, sender.change("0001", alias="X"))
    was, sender.desk.source.address = sender.desk.source.address, "https://test.example"
    sender.desk.clock.sleep(DAY)

    elsewhere = sender.settle_earlier()
    with pytest.raises(UsageError) as caught:
        settle(sender)
    sender.desk.source.address = was

    assert elsewhere == {"settled": 0, "waiting": [SUBJECT]}
    assert caught.value.code == "postings.other-connection"
    assert sender.settle_earlier() == {"settled": 1, "waiting": []}


def test_supplier_that_shows_the_plan_is_confirmed_and_agreed(sender: SupplierDesk) -> None:
    """The answer was lost with the process, the change was not."""
    crash(sender, sender.change("0001", alias="X"))
    sender.erp.edit("0001", alias="X")

    assert sender.settle_earlier() == {"settled": 1, "waiting": []}
    assert sender.posting(SUBJECT).state is CONFIRMED
    assert sender.agreed("0001") == ({"alias": "X"}, {"alias": "X"})


def test_creation_is_settled_by_its_name(sender: SupplierDesk) -> None:
    """Absent long enough it never was made; there, it is agreed under the number it was given."""
    crash(sender, creation("Fresh"))
    early = sender.settle_earlier()["waiting"]
    sender.erp.add("0077", name="FRESH")

    sender.settle_earlier()

    assert early == ["new supplier Fresh"]
    assert sender.posting("new supplier Fresh").receipt["number"] == "0077"
    assert sender.agreed("0077") == ({"name": "Fresh"}, {"name": "FRESH"})


@pytest.mark.parametrize("by_hand", [False, True])
def test_look_that_began_too_early_settles_nothing(sender: SupplierDesk, *, by_hand: bool) -> None:
    """What takes effect while the ERP is asked was still under way when the look began."""
    sender.flow = make_supplier_flow(settle_minutes=4)
    crash(sender, creation("Fresh"))
    due = sender.desk.clock.now() + LATE
    sender.erp.pending.append((due, lambda: sender.erp.add("0077", name="Fresh")))
    sender.desk.clock.sleep(LATE.total_seconds() - 10)
    sender.erp.read_takes = timedelta(seconds=30)

    if by_hand:
        settle(sender, "new supplier Fresh")
    else:
        sender.settle_earlier()

    assert sender.states() == {"new supplier Fresh": PostingState.OPEN}
    assert sender.settle_earlier()["settled"] == 1
    assert sender.states() == {"new supplier Fresh": CONFIRMED}


def test_posting_that_never_left_is_refused_at_once(sender: SupplierDesk) -> None:
    """Chunks are stored before the first of them is sent."""
    sender.flow = make_supplier_flow(at_once=1)
    crash(sender, sender.change("0001", alias="X"), sender.change("0002", alias="X"))

    assert sender.settle_earlier() == {"settled": 1, "waiting": [SUBJECT]}
    assert sender.posting("supplier 0002").reason == "it never was sent"


def test_posting_of_another_flow_that_still_runs_is_left_to_it(sender: SupplierDesk) -> None:
    """It may be sent at this very moment."""
    crash(sender, sender.change("0001", alias="X"))
    runs = sender.desk.records.runs
    runs.create_run(run_id="one", flow="suppliers", kind="suppliers", actor="a", request={})
    sender.desk.clock.sleep(DAY)
    sender.flow = make_supplier_flow(name="other")

    assert sender.settle_earlier() == {"settled": 0, "waiting": [SUBJECT]}


def test_erp_that_cannot_be_read_keeps_suppliers_waiting(sender: SupplierDesk) -> None:
    """A look that fails says nothing."""
    crash(sender, sender.change("0001", alias="X"))
    sender.desk.clock.sleep(DAY)
    sender.erp.unreadable = 1

    assert sender.settle_earlier()["waiting"] == [SUBJECT]


# --- by hand --------------------------------------------------------------------------------------


def test_quarantine_ends_when_a_person_has_seen_it(sender: SupplierDesk) -> None:
    """Runs leave it alone; who settles it lets stand what the ERP shows."""
    crash(sender, sender.change("0001", alias="X"))
    sender.erp.edit("0001", alias="THEIRS")
    sender.desk.clock.sleep(DAY)

    waiting = sender.settle_earlier()["waiting"]
    quarantined = sender.posting(SUBJECT)
    still = sender.settle_earlier()["waiting"]
    closed, seen = settle(sender)

    assert quarantined.state is QUARANTINED
    assert waiting == still == [SUBJECT]
    assert closed.state is REFUSED
    assert closed.reason.startswith("closed by maker")
    assert seen == "alias is 'THEIRS', sent 'X', before 'OLD 1'"


def test_quarantine_that_was_completed_in_the_erp_is_confirmed(sender: SupplierDesk) -> None:
    """A person writes the rest; the next run sees that all of it stands."""
    sender.erp.lose_after, sender.erp.ignores = 1, {"customer_number"}
    sender.send(sender.change("0001", alias="X", customer_number="C"))
    sender.erp.ignores = set()
    sender.erp.edit("0001", customer_number="C")

    assert sender.settle_earlier() == {"settled": 1, "waiting": []}
    assert sender.posting(SUBJECT).state is CONFIRMED


def test_settling_too_early_changes_nothing(sender: SupplierDesk) -> None:
    """The server may still be working on it."""
    crash(sender, sender.change("0001", alias="X"))

    posting, seen = settle(sender)

    assert posting == sender.posting(SUBJECT)
    assert posting.state is PostingState.OPEN
    assert seen == "it stands as it did when planned"


def test_settled_posting_is_not_settled_again(sender: SupplierDesk) -> None:
    """There is nothing to ask."""
    sender.send(sender.change("0001", alias="X"))

    with pytest.raises(UsageError, match="is confirmed"):
        settle(sender)


# --- the proof ------------------------------------------------------------------------------------


def test_summary_counts_every_supplier_of_the_plan(sender: SupplierDesk) -> None:
    """Planned is confirmed and refused; what was refused is told with its key and reason."""
    sender.erp.refuses = {"0002": "No."}
    changes = [sender.change(f"000{number}", alias="X") for number in range(1, 6)]

    summary = sender.conclude(sender.plan(*changes, creation("Fresh")))

    assert summary["state"] == "partly succeeded"
    assert summary["planned"] == 6
    assert (summary["confirmed"], summary["refused"], summary["quarantined"]) == (5, 1, 0)
    assert summary["differences"] == []
    key = sender.posting("supplier 0002").posting_key
    assert summary["refusals"] == [
        {"subject": "supplier 0002", "posting_key": key, "reason": "No."}
    ]
    assert read_document(sender.desk.archive, summary["report"])["counts"]["confirmed"] == 5


def test_plan_that_was_written_whole_succeeds(sender: SupplierDesk) -> None:
    """Capitals of the ERP are no difference."""
    sender.erp.capitals = True

    summary = sender.conclude(sender.plan(sender.change("0001", name="Halden"), creation("Fresh")))

    assert (summary["state"], summary["differing"]) == ("succeeded", 0)


def test_attribute_that_is_not_as_sent_is_no_success(sender: SupplierDesk) -> None:
    """An ERP that confirms and passes over in silence is found by reading back."""
    sender.erp.ignores = {"customer_number"}
    plan = sender.plan(sender.change("0001", alias="X", customer_number="C"))

    summary = sender.conclude(plan)

    assert summary["state"] == "unexplained difference"
    assert summary["differences"] == [
        {
            "subject": SUBJECT, "posting_key": sender.posting(SUBJECT).posting_key,
            "attribute": "customer_number", "sent": "C", "shown": "", "finding": "not taken",
        }
    ]  # fmt: skip


def test_change_by_somebody_right_after_ours_is_told_as_such(sender: SupplierDesk) -> None:
    """The version of the receipt is gone, so the difference is not the ERP's doing."""
    plan = sender.plan(sender.change("0001", alias="X"))
    sender.run(plan)
    sender.erp.edit("0001", alias="THEIRS")

    summary = sender.conclude(plan)

    assert summary["state"] == "unexplained difference"
    assert summary["differences"][0]["finding"] == "changed again since"


def test_new_supplier_that_cannot_be_read_yet_is_waited_for(sender: SupplierDesk) -> None:
    """It is shown minutes after it was made; one that never is, is a difference."""
    sender.erp.slow = sender.erp.job_takes

    summary = sender.conclude(sender.plan(creation("Fresh")))
    [fresh] = sender.erp.named("Fresh")
    del sender.erp.held[fresh.remote_id]
    gone = sender.conclude(summary["plan_hash"])

    assert summary["state"] == "succeeded"
    assert gone["state"] == "unexplained difference"
    assert gone["differences"][0]["finding"] == "not shown"


def test_quarantine_makes_the_run_no_success(sender: SupplierDesk) -> None:
    """A person decides about a part."""
    sender.erp.lose_after, sender.erp.ignores = 1, {"customer_number"}

    summary = sender.conclude(sender.plan(sender.change("0001", alias="X", customer_number="C")))

    assert summary["state"] == "unexplained difference"
    assert summary["quarantines"][0]["subject"] == SUBJECT


# --- taken back -----------------------------------------------------------------------------------


def test_reversal_sets_back_what_stood_there_before(sender: SupplierDesk) -> None:
    """What others changed elsewhere stays; both sides agree that the model keeps its value."""
    sender.send(sender.change("0001", alias="X", name="Halden"))
    key = sender.posting(SUBJECT).posting_key
    sender.erp.edit("0001", customer_number="THEIRS")

    summary = sender.reverse(key)

    assert summary["state"] == "succeeded"
    assert sender.erp.of("0001").attributes == {
        "name": "Supplier 0001", "alias": "OLD 1", "customer_number": "THEIRS",
    }  # fmt: skip
    assert sender.agreed("0001") == (
        {"alias": "X", "name": "Halden"}, {"alias": "OLD 1", "name": "Supplier 0001"},
    )  # fmt: skip
    original = sender.desk.records.postings.find_posting(key)
    assert original is not None
    assert original.reversed_by == sender.postings()[-1].posting_key
    with pytest.raises(SupplierNotReversibleError, match="was reversed by"):
        sender.reverse(key)
    with pytest.raises(SupplierNotReversibleError, match="takes back"):
        sender.reverse(original.reversed_by)


def test_reversed_plan_is_not_held_against_the_erp_any_more(sender: SupplierDesk) -> None:
    """What was taken back on purpose is no difference."""
    plan = sender.plan(sender.change("0001", alias="X"))
    sender.run(plan)
    sender.reverse(sender.posting(SUBJECT).posting_key)

    assert sender.conclude(plan)["state"] == "succeeded"


def test_attribute_the_erp_never_took_is_left_out_of_the_reversal(sender: SupplierDesk) -> None:
    """It stands as it did before already."""
    sender.erp.ignores = {"customer_number"}
    sender.send(sender.change("0001", alias="X", customer_number="C"))

    assert sender.reverse(sender.posting(SUBJECT).posting_key)["state"] == "succeeded"
    assert sender.alias("0001") == "OLD 1"


def test_reversal_of_what_was_overtaken_is_refused(sender: SupplierDesk) -> None:
    """Nobody's later work is undone."""
    sender.send(sender.change("0001", alias="X"))
    sender.erp.edit("0001", alias="THEIRS")

    with pytest.raises(SupplierNotReversibleError, match="alias is 'THEIRS'"):
        sender.reverse(sender.posting(SUBJECT).posting_key)
    assert sender.alias("0001") == "THEIRS"


def test_creation_is_not_reversed(sender: SupplierDesk) -> None:
    """Suppliers are never deleted; the message says what to do instead."""
    sender.send(creation("Fresh"))

    with pytest.raises(SupplierNotReversibleError, match="inactive date"):
        sender.reverse(sender.postings()[0].posting_key)


def test_only_confirmed_postings_of_the_flow_are_reversed(sender: SupplierDesk) -> None:
    """Others are refused in words."""
    sender.erp.refuses = {"0001": "No."}
    sender.send(sender.change("0001", alias="X"))
    key = sender.posting(SUBJECT).posting_key

    with pytest.raises(SupplierNotReversibleError, match="is refused"):
        sender.reverse(key)
    with pytest.raises(SupplierNotReversibleError, match="no posting of this flow"):
        sender.reverse("ABCDEFGH")
    sender.flow = make_supplier_flow(name="other")
    with pytest.raises(SupplierNotReversibleError, match="no posting of this flow"):
        plan_supplier_reversal(sender.bench(), key, "run")
