"""A plan of supplier revisions is written once, whatever becomes of the answers."""

from datetime import timedelta

import pytest
from tests.fakes.steps import Crash
from tests.fakes.supplier_desk import CHUNK, SupplierDesk, creation, make_supplier_flow
from tests.fakes.suppliers import LATE

from ml_connector.errors import (
    AccessDeniedError,
    BusyError,
    OutcomeUnknownError,
    ProtocolError,
    SystemUnavailableError,
)
from ml_connector.flows.revising.looking import RevisionUnclearError
from ml_connector.flows.writing.asking import OtherErpError
from ml_connector.ports import PostingState

CONFIRMED, REFUSED = PostingState.CONFIRMED, PostingState.REFUSED
UNKNOWN, QUARANTINED = PostingState.UNKNOWN, PostingState.QUARANTINED
NUMBERS = [f"000{number}" for number in range(1, 8)]


def test_plan_is_written_supplier_by_supplier(sender: SupplierDesk) -> None:
    """Each has a posting with its receipt, an agreement, and was written once."""
    rows = sender.send(
        *(sender.change(number, alias=f"NEW {number}") for number in NUMBERS), creation("Fresh")
    )

    assert [sender.alias(number) for number in NUMBERS] == [f"NEW {n}" for n in NUMBERS]
    assert set(sender.states().values()) == {CONFIRMED}
    assert [row["planned"] for row in rows] == [CHUNK, CHUNK, 1, 1]
    assert [row["confirmed"] for row in rows] == [CHUNK, CHUNK, 1, 1]
    assert set(sender.erp.writes.values()) == {1}
    posting = sender.posting("supplier 0001")
    assert posting.receipt == {"number": "0001", "remote_id": "300", "version": "2", "unlike": []}
    assert posting.totals == {"attributes": 1, "action": "change"}
    assert sender.agreed("0001") == ({"alias": "NEW 0001"}, {"alias": "NEW 0001"})
    [made] = sender.erp.named("Fresh")
    assert sender.posting("new supplier Fresh").receipt["number"] == made.number
    assert sender.agreed(made.number) == ({"name": "Fresh"}, {"name": "Fresh"})


def test_plan_applied_again_writes_nothing(sender: SupplierDesk) -> None:
    """A second run of the same plan finds its postings and tells the same."""
    plan = sender.plan(sender.change("0001", alias="X"), creation("Fresh"))
    first = sender.run(plan)

    assert sender.run(plan) == first
    assert (sender.erp.calls["change"], sender.erp.calls["creation"]) == (1, 1)


def test_supplier_somebody_changed_is_left_as_it_is(sender: SupplierDesk) -> None:
    """A newer version is nobody's to overwrite; the others of the plan are written."""
    mine, other = sender.change("0001", alias="X"), sender.change("0002", alias="Y")
    sender.erp.edit("0001", alias="THEIRS")

    [row] = sender.send(mine, other)

    assert sender.alias("0001") == "THEIRS"
    assert (row["confirmed"], row["refused"]) == (1, 1)
    assert "changed in the ERP since the plan" in sender.posting("supplier 0001").reason
    assert sender.agreed("0001") == ({}, {})


def test_refused_supplier_is_told_in_the_erps_words(sender: SupplierDesk) -> None:
    """A refusal holds back itself only."""
    sender.erp.refuses = {"0002": "POZ-17: no such type"}

    sender.send(*(sender.change(number, alias="X") for number in NUMBERS[:3]))

    assert sender.posting("supplier 0002").reason == "POZ-17: no such type"
    assert sender.states() == {
        "supplier 0001": CONFIRMED, "supplier 0002": REFUSED, "supplier 0003": CONFIRMED,
    }  # fmt: skip


@pytest.mark.parametrize("lost", ["lose_before", "lose_after", "late"])
@pytest.mark.parametrize("send", ["single", "batch"])
def test_lost_answer_neither_doubles_nor_loses(sender: SupplierDesk, lost: str, send: str) -> None:
    """Never arrived, arrived and lost, taking effect minutes later: each is written once."""
    setattr(sender.erp, lost, 1)
    changes = [sender.change(number, alias=f"NEW {number}") for number in NUMBERS]

    sender.send(*changes, send=send)

    assert [sender.alias(number) for number in NUMBERS] == [f"NEW {n}" for n in NUMBERS]
    assert set(sender.erp.writes.values()) == {1}
    assert set(sender.states().values()) == {CONFIRMED}
    assert sender.agreed("0001")[1] == {"alias": "NEW 0001"}


@pytest.mark.parametrize("lost", ["lose_before", "lose_after", "late"])
def test_lost_answer_makes_no_second_supplier(sender: SupplierDesk, lost: str) -> None:
    """A creation is looked for until the settle time has passed before it is sent once more."""
    setattr(sender.erp, lost, 1)

    sender.send(creation("Fresh"), creation("Second", number="0099"))

    assert [len(sender.erp.named(name)) for name in ("Fresh", "Second")] == [1, 1]
    assert set(sender.states().values()) == {CONFIRMED}


def test_new_supplier_that_is_shown_late_is_waited_for(sender: SupplierDesk) -> None:
    """One look that finds none proves nothing."""
    sender.erp.slow = sender.erp.job_takes
    sender.erp.lose_after = 1

    sender.send(creation("Fresh"))

    assert sender.erp.calls["creation"] == 1
    assert sender.states() == {"new supplier Fresh": CONFIRMED}


def test_look_that_began_too_early_proves_nothing_when_it_ends(sender: SupplierDesk) -> None:
    """What takes effect during the look, right before the settle time, is not sent once more."""
    sender.flow = make_supplier_flow(settle_minutes=4)
    sender.erp.late, sender.erp.read_takes = 1, timedelta(seconds=37)
    assert timedelta(minutes=4) == LATE

    sender.send(creation("Fresh"))

    assert sender.erp.calls["creation"] == 1
    assert sender.states() == {"new supplier Fresh": CONFIRMED}


def test_change_that_takes_effect_before_its_second_sending_is_confirmed(
    sender: SupplierDesk,
) -> None:
    """The second is refused as overtaken by the first, and the supplier shows what was sent."""
    sender.erp.lose_before = 1
    change = sender.change("0001", alias="X")

    def arrive() -> None:
        sender.erp.on_write = lambda: None
        sender.erp.edit("0001", alias="X")

    sender.erp.on_write = arrive
    sender.send(change)

    assert sender.posting("supplier 0001").state is CONFIRMED
    assert sender.erp.writes["0001"] == 1
    assert sender.erp.calls["change"] == 2


def test_supplier_never_shown_stops_the_run_and_nothing_follows(sender: SupplierDesk) -> None:
    """Sent twice without effect: the run is of unknown outcome; a resume sends once more."""
    sender.flow = make_supplier_flow(at_once=1)
    sender.erp.lose_before = 2
    plan = sender.plan(sender.change("0001", alias="X"), sender.change("0002", alias="Y"))

    with pytest.raises(RevisionUnclearError, match="supplier 0001"):
        sender.run(plan)
    unknown = sender.states()
    sender.resume(plan)

    assert unknown == {"supplier 0001": UNKNOWN, "supplier 0002": PostingState.OPEN}
    assert (sender.alias("0001"), sender.alias("0002")) == ("X", "Y")
    assert set(sender.states().values()) == {CONFIRMED}


def test_erp_that_cannot_be_read_back_stops_the_run(sender: SupplierDesk) -> None:
    """What nobody can see is neither sent again nor called written."""
    sender.erp.lose_after, sender.erp.unreadable = 1, 1_000

    error = sender.fail(sender.change("0001", alias="X"))

    assert isinstance(error, OutcomeUnknownError)
    assert error.code == "suppliers.unclear"
    assert sender.erp.calls["change"] == 1


def test_part_of_a_change_is_quarantined(sender: SupplierDesk) -> None:
    """A lost answer and half of the values: a person looks, the others are written."""
    sender.erp.lose_after, sender.erp.ignores = 1, {"customer_number"}
    change = sender.change("0001", alias="X", customer_number="C-1")

    [row] = sender.send(change)

    assert sender.states() == {"supplier 0001": QUARANTINED}
    assert row["quarantined"] == 1
    reason = sender.posting("supplier 0001").reason
    assert "customer_number is '', sent 'C-1', before ''" in reason
    assert sender.agreed("0001") == ({}, {})


def test_somebody_elses_change_after_a_lost_answer_refuses_ours(sender: SupplierDesk) -> None:
    """Nothing of ours stands, and the version we named is gone: it cannot take effect any more."""
    sender.erp.lose_before = 1
    change = sender.change("0001", alias="X")
    sender.erp.edit("0001", customer_number="THEIRS")

    sender.send(change)

    assert sender.states() == {"supplier 0001": REFUSED}
    assert sender.erp.of("0001").attributes["alias"] == "OLD 1"


def test_change_of_letters_only_is_never_taken_for_written(sender: SupplierDesk) -> None:
    """An untouched supplier shows the old spelling, which proves nothing: it is sent again."""
    sender.erp.lose_before = 1

    sender.send(sender.change("0001", alias="Old 1"))

    assert sender.alias("0001") == "Old 1"
    assert sender.states() == {"supplier 0001": CONFIRMED}


def test_old_spelling_is_no_proof_though_somebody_changed_the_supplier(
    sender: SupplierDesk,
) -> None:
    """The version moved, and what is shown is what stood there before: ours was not written."""
    sender.erp.lose_before = 1
    change = sender.change("0001", alias="Old 1")
    sender.erp.edit("0001", customer_number="THEIRS")

    sender.send(change)

    assert sender.states() == {"supplier 0001": REFUSED}
    assert sender.agreed("0001") == ({}, {})


def test_names_in_capitals_are_agreed_as_the_erp_spells_them(sender: SupplierDesk) -> None:
    """Each side keeps its own letters, and the receipt notes where they part."""
    sender.erp.capitals = True

    sender.send(sender.change("0001", name="Halden Tools", alias="X"))

    assert sender.posting("supplier 0001").receipt["unlike"] == ["name"]
    assert sender.agreed("0001") == (
        {"name": "Halden Tools", "alias": "X"}, {"name": "HALDEN TOOLS", "alias": "X"},
    )  # fmt: skip


def test_attribute_passed_over_in_silence_is_not_agreed(sender: SupplierDesk) -> None:
    """The next comparison sees it again."""
    sender.erp.ignores = {"customer_number"}

    sender.send(sender.change("0001", alias="X", customer_number="C-1"))

    assert sender.posting("supplier 0001").state is CONFIRMED
    assert sender.posting("supplier 0001").receipt["unlike"] == ["customer_number"]
    assert sender.agreed("0001") == ({"alias": "X"}, {"alias": "X"})


@pytest.mark.parametrize("new", [creation("supplier 0003"), creation("Fresh", number="0003")])
def test_supplier_the_erp_has_is_not_made_again(sender: SupplierDesk, new: object) -> None:
    """A look by number and name, whatever its capitals, comes before any creation."""
    sender.send(new)  # type: ignore[arg-type] # A parameter of the table above.

    assert sender.erp.calls["creation"] == 0
    [state] = sender.states().values()
    assert state is REFUSED
    assert "the ERP has it already" in sender.postings()[0].reason
    assert "0003" in sender.postings()[0].reason


def test_two_suppliers_of_a_name_after_a_lost_answer_are_quarantined(sender: SupplierDesk) -> None:
    """Which of them is ours, nobody knows."""
    sender.erp.lose_after = 1

    def add() -> None:
        sender.erp.pending.append(
            (sender.desk.clock.now(), lambda: sender.erp.add("0050", name="FRESH"))
        )

    sender.erp.on_write = add
    sender.send(creation("Fresh"))

    assert sender.erp.calls["creation"] == 1
    assert sender.states() == {"new supplier Fresh": QUARANTINED}
    assert "2 suppliers of the number or name" in sender.postings()[0].reason


@pytest.mark.parametrize("send", ["single", "batch"])
def test_erp_without_time_is_asked_again_after_a_pause(sender: SupplierDesk, send: str) -> None:
    """What was refused for want of time was not written, and is soon written once."""
    sender.erp.busy = 3
    before = sender.desk.clock.now()

    sender.send(sender.change("0001", alias="X"), creation("Fresh"), send=send)

    assert set(sender.states().values()) == {CONFIRMED}
    assert set(sender.erp.writes.values()) == {1}
    assert (sender.desk.clock.now() - before).total_seconds() < 600


def test_unknown_supplier_is_looked_into_before_a_busy_one_leaves_again(
    sender: SupplierDesk,
) -> None:
    """Nothing is sent after an outcome that nobody knows."""
    sender.erp.errors = [
        OutcomeUnknownError("No reply.", written="Unknown.", next_step="Look."),
        SystemUnavailableError("Busy.", written="Nothing.", next_step="Wait."),
    ]
    sender.erp.unreadable = 1_000

    error = sender.fail(sender.change("0001", alias="X"), sender.change("0002", alias="X"))

    assert error.code == "suppliers.unclear"
    assert sender.erp.calls["change"] == 2
    assert (sender.alias("0001"), sender.alias("0002")) == ("OLD 1", "OLD 2")


def test_log_in_that_is_refused_stops_the_run_and_loses_nothing(sender: SupplierDesk) -> None:
    """The answers of the other requests are kept; a resume writes what was not written."""
    denied = AccessDeniedError("403.", written="Nothing.", next_step="Ask.")
    sender.erp.errors = [denied]
    plan = sender.plan(*(sender.change(number, alias="X") for number in NUMBERS[:3]))

    with pytest.raises(AccessDeniedError):
        sender.run(plan)
    stopped = sorted(sender.states().values())
    sender.resume(plan)

    assert stopped == [CONFIRMED, CONFIRMED, PostingState.OPEN]
    assert set(sender.states().values()) == {CONFIRMED}
    assert set(sender.erp.writes.values()) == {1}


def test_answer_outside_the_contract_counts_as_none(sender: SupplierDesk) -> None:
    """What cannot be read may have been a receipt."""
    sender.erp.errors = [ProtocolError("Cut.", written="Unknown.", next_step="Look.")]

    sender.send(sender.change("0001", alias="X"))

    assert sender.states() == {"supplier 0001": CONFIRMED}
    assert sender.erp.writes["0001"] == 1


def test_unsettled_supplier_of_an_earlier_plan_stops_its_chunk(sender: SupplierDesk) -> None:
    """Two unknown writes on one supplier would never be told apart."""
    sender.erp.lose_before = 4
    sender.fail(sender.change("0001", alias="X"))
    sender.erp.lose_before = 0

    error = sender.fail(sender.change("0002", alias="Z"), sender.change("0001", alias="Y"))

    assert isinstance(error, BusyError)
    assert sender.alias("0002") == "OLD 2"


def test_plan_of_another_erp_is_not_sent(sender: SupplierDesk) -> None:
    """A connection that was changed after the approval makes versions meaningless."""
    plan = sender.plan(creation("Fresh"), connection="erp-test")

    with pytest.raises(OtherErpError):
        sender.run(plan)
    assert sender.postings() == []


# --- batches --------------------------------------------------------------------------------------


def test_batch_is_one_request_and_creations_are_none_of_it(sender: SupplierDesk) -> None:
    """Creations go one by one after it."""
    changes = [sender.change(number, alias="X") for number in NUMBERS]

    sender.send(*changes, creation("Fresh"), creation("Second"), send="batch")

    assert sender.erp.calls["batch"] == 1
    assert sender.erp.calls["creation"] == 2
    assert set(sender.states().values()) == {CONFIRMED}


def test_batch_is_refused_as_a_whole(sender: SupplierDesk) -> None:
    """One supplier that moved holds back all; each says why."""
    changes = [sender.change(number, alias="X") for number in NUMBERS[:3]]
    sender.erp.edit("0002", alias="THEIRS")

    sender.send(*changes, send="batch")

    assert set(sender.states().values()) == {REFUSED}
    assert [sender.alias(number) for number in NUMBERS[:3]] == ["OLD 1", "THEIRS", "OLD 3"]
    reason = sender.posting("supplier 0001").reason
    assert reason.startswith("the batch of 3 was refused whole: changed in the ERP since the plan")
    assert "0002" in reason


def test_torn_batch_is_completed_and_nothing_written_twice(sender: SupplierDesk) -> None:
    """What stands is confirmed, what does not leaves once more."""
    sender.erp.torn = 2
    changes = [sender.change(number, alias="X") for number in NUMBERS]

    sender.send(*changes, send="batch")

    assert set(sender.states().values()) == {CONFIRMED}
    assert set(sender.erp.writes.values()) == {1}


def test_crash_inside_a_request_is_settled_by_the_resume(sender: SupplierDesk) -> None:
    """Marked sent and never told more: the ERP says what it holds."""
    sender.erp.errors = [Crash()]  # type: ignore[list-item] # A process that ends is no exception.
    plan = sender.plan(sender.change("0001", alias="X"))
    with pytest.raises(Crash):
        sender.run(plan)

    sender.resume(plan)

    assert sender.states() == {"supplier 0001": CONFIRMED}
    assert sender.erp.writes["0001"] == 1
