"""Postings: made once, sent once, settled for good, whatever the callers and their deaths do."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ml_connector.errors import BlockedError, BusyError, RefusedError, UsageError
from ml_connector.ports import UNSETTLED_POSTINGS, Clock, Json, Posting, PostingState, Records
from ml_connector.records import create_organisation, open_records

Move = Callable[[float], None]
Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]
State = PostingState
SETTLED = sorted(set(State) - UNSETTLED_POSTINGS)
UNSETTLED = sorted(UNSETTLED_POSTINGS)
TOTALS = {"lines": 2, "debits": "12345678901234567.89", "currency": "USD"}
RECEIPT = {"batch": "4711", "document": 101, "pages": [1, 2]}


@pytest.fixture
def first(records_clock: Clock) -> Posting:
    """What the tests post; they change what they are about."""
    return Posting(
        posting_key="AAAAAAA2",
        flow="budget",
        run_id="r1",
        plan_hash="p1",
        connection="jde",
        kind="journal",
        subject="00001 BA FY2026-P01 1/1",
        generation=1,
        content_hash="c1",
        totals=TOTALS,
        made_at=records_clock.now(),
    )


@pytest.fixture
def confirmed(records: Records, first: Posting) -> Posting:
    """A posting that the ERP holds."""
    records.postings.make_posting(first)
    records.postings.mark_sent(first.posting_key, last=None)
    return records.postings.save_posting(first.posting_key, State.CONFIRMED, receipt=RECEIPT)


@pytest.fixture
def reversal(first: Posting) -> Posting:
    """What takes the first posting back."""
    return replace(first, posting_key="BBBBBBB2", plan_hash="reverse AAAAAAA2", reverses="AAAAAAA2")


def settle(records: Records, posting: Posting, state: State = State.CONFIRMED) -> Posting:
    """The posting was made and has this state."""
    made = records.postings.make_posting(posting)
    return records.postings.save_posting(made.posting_key, state)


def find(records: Records, posting_key: str) -> Posting:
    """The posting as it is stored."""
    found = records.postings.find_posting(posting_key)
    assert found is not None
    return found


def test_posting_is_stored_open_with_all_it_says(records: Records, first: Posting) -> None:
    """Nothing is lost between making and finding it, amounts of seventeen digits included."""
    assert records.postings.make_posting(first) == first
    assert records.postings.find_posting("AAAAAAA2") == first
    assert records.postings.find_posting("AAAAAAA3") is None


def test_newest_posting_of_a_run_is_found(records: Records, first: Posting) -> None:
    """It tells whether a run wrote at all; whoever makes the same one again has not made it."""
    assert records.postings.find_made("r1") is None
    settle(records, first)
    second = settle(records, replace(first, posting_key="BBBBBBB2", subject="x"))
    records.postings.make_posting(replace(first, run_id="r2"))

    assert records.postings.find_made("r1") == second
    assert records.postings.find_made("r2") is None


@pytest.mark.parametrize("state", State)
def test_same_posting_is_given_back_in_every_state(
    records: Records, first: Posting, state: State
) -> None:
    """Another run that makes it again, with totals told otherwise, gets the stored one."""
    stored = settle(records, first, state)
    again = replace(first, run_id="r2", totals={"lines": 9})

    assert records.postings.make_posting(again) == stored
    assert stored.run_id == "r1"
    assert len(records.postings.load_postings()) == 1


@pytest.mark.parametrize(
    "change", [{"flow": "other"}, {"plan_hash": "p2"}, {"subject": "x"}, {"generation": 2}]
)
def test_key_never_stands_for_two_postings(
    records: Records, first: Posting, change: dict[str, Any]
) -> None:
    """A key that is taken is refused, with both of its meanings, whatever became of the first."""
    settle(records, first, State.REFUSED)
    with pytest.raises(RefusedError, match=r"AAAAAAA2 of .* already stands for '00001 BA") as taken:
        records.postings.make_posting(replace(first, **change))
    assert taken.value.code == "postings.key-taken"
    assert len(records.postings.load_postings()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("posting_key", "CCCCCCC2"),
        ("content_hash", "c2"),
        ("connection", "fusion"),
        ("kind", "supplier"),
        ("reverses", "DDDDDDD2"),
    ],
)
def test_same_posting_with_other_content_is_refused(
    records: Records, first: Posting, name: str, value: str
) -> None:
    """What a posting writes never changes; the refusal names what differs."""
    settle(records, first)
    with pytest.raises(RefusedError, match=f"with other content: {name} .*{value}") as other:
        records.postings.make_posting(replace(first, **{name: value}))  # type: ignore[arg-type]  # One text among others.
    assert other.value.arguments["differs"] == name
    assert find(records, "AAAAAAA2").content_hash == "c1"


@pytest.mark.parametrize("key", ["", "AAAA", "AAAAAAAAA", "aaaaaaa2", "AAAA AA2", "ÄAAAAAA2"])
def test_key_the_erp_could_not_keep_is_refused(records: Records, first: Posting, key: str) -> None:
    """Eight capital letters and digits; a longer one would be cut and never found again."""
    with pytest.raises(RefusedError, match="not eight capital letters"):
        records.postings.make_posting(replace(first, posting_key=key))


@pytest.mark.parametrize("state", UNSETTLED)
def test_second_posting_on_an_unsettled_subject_is_refused(
    records: Records, first: Posting, state: State
) -> None:
    """Whatever plan or flow it belongs to; another subject or connection is free."""
    settle(records, first, state)
    second = replace(first, posting_key="BBBBBBB2", flow="other", plan_hash="p2")
    with pytest.raises(BusyError, match=f"AAAAAAA2 of run r1 .* is {state}") as busy:
        records.postings.make_posting(second)
    assert busy.value.arguments["unsettled"] == "AAAAAAA2"
    assert records.postings.find_posting("BBBBBBB2") is None
    for key, change in (("CCCCCCC2", {"subject": "x"}), ("DDDDDDD2", {"connection": "fusion"})):
        made = replace(second, posting_key=key, plan_hash=key, **change)  # type: ignore[arg-type]  # As above.
        assert records.postings.make_posting(made).state is State.OPEN


@pytest.mark.parametrize("state", SETTLED)
def test_settled_posting_makes_room_for_another_plan(
    records: Records, first: Posting, state: State
) -> None:
    """Confirmed and refused are known outcomes; the next plan may write."""
    settle(records, first, state)
    second = replace(first, posting_key="BBBBBBB2", plan_hash="p2")
    assert records.postings.make_posting(second) == second


def test_latest_time_of_sending_counts(
    records: Records, first: Posting, records_clock: Clock, move: Move
) -> None:
    """What is sent once more is waited for from there; times never go back, and never agree."""
    records.postings.make_posting(first)
    move(5)
    sent_at = records_clock.now()
    assert records.postings.mark_sent("AAAAAAA2", last=None) == replace(first, sent_at=sent_at)
    records.postings.save_posting("AAAAAAA2", State.UNKNOWN)
    move(600)
    latest = records_clock.now()
    assert records.postings.mark_sent("AAAAAAA2", last=sent_at).sent_at == latest
    move(-30)
    again = records.postings.mark_sent("AAAAAAA2", last=latest)
    assert again.sent_at == latest + timedelta(microseconds=1)


def test_sending_is_refused_to_who_does_not_know_of_the_last_one(
    records: Records, first: Posting
) -> None:
    """Of two who saw the same one sends; the other looks again before it may."""
    records.postings.make_posting(first)
    sent = records.postings.mark_sent("AAAAAAA2", last=None)
    with pytest.raises(BusyError, match="it had left never") as busy:
        records.postings.mark_sent("AAAAAAA2", last=None)
    assert busy.value.code == "postings.sent-meanwhile"
    again = records.postings.mark_sent("AAAAAAA2", last=sent.sent_at)
    with pytest.raises(BusyError, match=r"it had left at 2026-10-05 06:00:00\.000000 UTC"):
        records.postings.mark_sent("AAAAAAA2", last=sent.sent_at)
    assert find(records, "AAAAAAA2") == again


@pytest.mark.parametrize("state", [*SETTLED, State.QUARANTINED])
def test_posting_that_is_no_longer_open_is_not_sent(
    records: Records, first: Posting, state: State
) -> None:
    """A late process is told to send nothing, and leaves no trace of having tried."""
    stored = settle(records, first, state)
    with pytest.raises(BlockedError, match=f"AAAAAAA2 is {state}; it is not sent again"):
        records.postings.mark_sent("AAAAAAA2", last=None)
    assert records.postings.find_posting("AAAAAAA2") == stored


def test_outcome_is_stored_with_receipt_reason_and_time(
    records: Records, first: Posting, records_clock: Clock, move: Move
) -> None:
    """The reason is that of the newest state; a receipt stays until another is told."""
    records.postings.make_posting(first)
    unknown = records.postings.save_posting(
        "AAAAAAA2", State.UNKNOWN, receipt={"batch": "4711"}, reason="reply lost"
    )
    assert (unknown.reason, unknown.settled_at) == ("reply lost", None)
    assert records.postings.save_posting("AAAAAAA2", State.UNKNOWN) == unknown
    move(60)
    settled = records.postings.save_posting("AAAAAAA2", State.CONFIRMED)
    assert settled == replace(
        unknown, state=State.CONFIRMED, reason="", settled_at=records_clock.now()
    )
    assert settled.receipt == {"batch": "4711"}


def test_person_may_settle_a_quarantined_posting_either_way(
    records: Records, first: Posting
) -> None:
    """Quarantine is left by a decision: back to unknown, or to its end."""
    settle(records, first, State.QUARANTINED)
    for state in (State.UNKNOWN, State.QUARANTINED, State.OPEN, State.REFUSED):
        assert records.postings.save_posting("AAAAAAA2", state, reason="kim").state is state


def test_settled_posting_told_again_stays_as_it_was(
    records: Records, confirmed: Posting, move: Move
) -> None:
    """A repeated step may tell less; time, receipt and reason are the first ones."""
    move(60)
    for receipt in (None, {}, {"batch": "4711"}, {"pages": (1, 2)}):
        told = records.postings.save_posting(
            "AAAAAAA2", State.CONFIRMED, receipt=receipt, reason="again"
        )
        assert told == confirmed


def test_receipt_of_a_settled_posting_grows(
    records: Records, confirmed: Posting, move: Move
) -> None:
    """What the ERP does with a confirmed posting later is told in addition; all else stays."""
    move(60)
    grown = replace(confirmed, receipt=RECEIPT | {"posted": True})
    assert (
        records.postings.save_posting(
            "AAAAAAA2", State.CONFIRMED, receipt={"posted": True, "batch": "4711"}
        )
        == grown
    )
    assert find(records, "AAAAAAA2") == grown


@pytest.mark.parametrize(
    ("stored", "told"), [(one, other) for one in SETTLED for other in State if other is not one]
)
def test_settled_posting_never_becomes_another(
    records: Records, first: Posting, stored: State, told: State
) -> None:
    """Confirmed and refused are final in both directions."""
    before = settle(records, first, stored)
    with pytest.raises(RefusedError, match=f"is {stored} for good; it cannot be told {told}"):
        records.postings.save_posting("AAAAAAA2", told)
    assert records.postings.find_posting("AAAAAAA2") == before


@pytest.mark.parametrize(
    ("receipt", "finding"),
    [
        ({"batch": "4712"}, "its batch is '4711', not '4712'"),
        ({"pages": [1, 2, 3], "more": 1}, "its pages is"),
        ({"document": "101"}, "its document is 101, not '101'"),
    ],
)
def test_second_document_under_one_key_is_told_loudly(
    records: Records, confirmed: Posting, receipt: dict[str, Any], finding: str
) -> None:
    """A receipt that contradicts the stored one may mean that the ERP holds the posting twice."""
    with pytest.raises(RefusedError, match=finding):
        records.postings.save_posting("AAAAAAA2", State.CONFIRMED, receipt=receipt)
    assert records.postings.find_posting("AAAAAAA2") == confirmed


@pytest.mark.parametrize("state", [*SETTLED, State.QUARANTINED])
@pytest.mark.parametrize("sent_before", [False, True])
def test_look_from_before_a_sending_settles_nothing(
    records: Records, first: Posting, move: Move, state: State, *, sent_before: bool
) -> None:
    """What was absent may be there now; sendings of the same instant are told apart too."""
    seen = records.postings.make_posting(first)
    if sent_before:
        seen = records.postings.mark_sent("AAAAAAA2", last=None)
    sent = records.postings.mark_sent("AAAAAAA2", last=seen.sent_at)

    with pytest.raises(BusyError, match="AAAAAAA2 left at 2026-10-05 06:00:00") as busy:
        records.postings.save_posting("AAAAAAA2", state, reason="absent", seen=seen)

    assert busy.value.code == "postings.sent-meanwhile"
    assert find(records, "AAAAAAA2") == sent
    move(60)
    assert records.postings.save_posting("AAAAAAA2", state, seen=sent).state is state


def test_settled_posting_is_told_again_by_whoever_saw_its_last_sending(
    records: Records, confirmed: Posting
) -> None:
    """A repeated step is harmless; one that saw less is refused."""
    again = records.postings.save_posting(
        "AAAAAAA2", State.CONFIRMED, receipt=RECEIPT, reason="again", seen=confirmed
    )
    assert again == confirmed
    with pytest.raises(BusyError, match="it had left never"):
        records.postings.save_posting(
            "AAAAAAA2", State.CONFIRMED, seen=replace(confirmed, sent_at=None)
        )


def test_unknown_key_is_refused(records: Records) -> None:
    """Nothing is sent or settled that was never made."""
    with pytest.raises(UsageError, match="no posting 'AAAAAAA2'"):
        records.postings.mark_sent("AAAAAAA2", last=None)
    with pytest.raises(UsageError, match="no posting 'AAAAAAA2'"):
        records.postings.save_posting("AAAAAAA2", State.CONFIRMED)


def test_floats_do_not_reach_totals_or_receipts(records: Records, first: Posting) -> None:
    """An amount is decimal text; a refused value leaves nothing behind."""
    with pytest.raises(TypeError, match="float"):
        records.postings.make_posting(replace(first, totals={"debits": 1.5}))
    assert records.postings.load_postings() == []
    records.postings.make_posting(first)
    with pytest.raises(TypeError, match="float"):
        records.postings.save_posting("AAAAAAA2", State.CONFIRMED, receipt={"amount": [0.1]})
    assert find(records, "AAAAAAA2").state is State.OPEN


def test_reversal_is_noted_on_what_it_takes_back(
    records: Records, confirmed: Posting, reversal: Posting
) -> None:
    """Both say so from the moment the reversal is made, and for good once it is confirmed."""
    assert records.postings.make_posting(reversal) == reversal
    assert find(records, "AAAAAAA2") == replace(confirmed, reversed_by="BBBBBBB2")
    assert records.postings.make_posting(reversal) == reversal
    settle(records, reversal)
    assert find(records, "AAAAAAA2").reversed_by == "BBBBBBB2"


@pytest.mark.parametrize("state", [*UNSETTLED, State.REFUSED])
def test_posting_that_is_not_confirmed_is_not_reversed(
    records: Records, first: Posting, reversal: Posting, state: State
) -> None:
    """What the ERP may not hold cannot be taken back from it."""
    settle(records, first, state)
    with pytest.raises(BlockedError, match=f"AAAAAAA2 of jde .*: it is {state}, not confirmed"):
        records.postings.make_posting(reversal)
    assert find(records, "AAAAAAA2").reversed_by == ""


@pytest.mark.parametrize("change", [{"reverses": "EEEEEEE2"}, {"connection": "fusion"}])
def test_posting_that_is_not_known_there_is_not_reversed(
    records: Records, confirmed: Posting, reversal: Posting, change: dict[str, Any]
) -> None:
    """A reversal is made where the posting was, and nowhere else."""
    with pytest.raises(BlockedError, match="it is not known there"):
        records.postings.make_posting(replace(reversal, **change))


def test_posting_is_reversed_once_and_reversals_never(
    records: Records, confirmed: Posting, reversal: Posting
) -> None:
    """Neither a second reversal nor a reversal of the reversal is made."""
    settle(records, reversal)
    second = replace(reversal, posting_key="CCCCCCC2", generation=2)
    with pytest.raises(BlockedError, match="reversed by BBBBBBB2 already"):
        records.postings.make_posting(second)
    with pytest.raises(BlockedError, match="itself the reversal of AAAAAAA2"):
        records.postings.make_posting(replace(second, reverses="BBBBBBB2"))


def test_refused_reversal_takes_nothing_back(
    records: Records, confirmed: Posting, reversal: Posting
) -> None:
    """The posting stands again as it did, and may be reversed anew."""
    settle(records, reversal, State.REFUSED)
    assert find(records, "AAAAAAA2") == confirmed
    second = replace(reversal, posting_key="CCCCCCC2", generation=2)
    records.postings.make_posting(second)
    assert find(records, "AAAAAAA2").reversed_by == "CCCCCCC2"


def test_further_generation_is_blocked_while_an_earlier_one_stands(
    records: Records, confirmed: Posting, first: Posting, reversal: Posting
) -> None:
    """The same amounts get into the ERP again only after they are out of it, confirmed."""
    second = replace(first, posting_key="CCCCCCC2", generation=2)
    with pytest.raises(BlockedError, match="posted twice: generation 1, AAAAAAA2, is confirmed"):
        records.postings.make_posting(second)
    records.postings.make_posting(replace(reversal, subject="another subject"))
    with pytest.raises(BlockedError, match="posted twice"):
        records.postings.make_posting(second)
    records.postings.save_posting("BBBBBBB2", State.CONFIRMED)
    assert records.postings.make_posting(second) == second


def test_further_generation_follows_a_refused_one(records: Records, first: Posting) -> None:
    """Out of quarantine a person decides that the ERP holds nothing; then it is posted again."""
    settle(records, first, State.REFUSED)
    second = replace(first, posting_key="CCCCCCC2", generation=2)
    assert records.postings.make_posting(second) == second


def test_reversal_within_the_plan_is_a_generation_of_its_own(
    records: Records, confirmed: Posting, reversal: Posting
) -> None:
    """A reversal may take the place of a further generation in the plan it undoes."""
    within = replace(reversal, plan_hash=confirmed.plan_hash, generation=2)
    assert records.postings.make_posting(within) == within


def test_postings_are_listed_by_what_is_asked_newest_first(
    records: Records, first: Posting
) -> None:
    """Every filter narrows; the limit keeps the newest."""
    for number, flow, plan, connection in (
        (1, "budget", "p1", "jde"), (2, "budget", "p2", "jde"),
        (3, "suppliers", "p3", "fusion"), (4, "budget", "p2", "fusion"),
    ):  # fmt: skip
        records.postings.make_posting(
            replace(
                first, posting_key=f"AAAAAAA{number}", flow=flow, plan_hash=plan,
                connection=connection, subject=f"s{number}",
            )
        )  # fmt: skip
    records.postings.save_posting("AAAAAAA2", State.CONFIRMED)

    def keys(**asked: Any) -> str:
        return "".join(p.posting_key[-1] for p in records.postings.load_postings(**asked))

    assert keys() == "4321"
    assert keys(limit=2) == "43"
    assert keys(flow="budget") == "421"
    assert keys(flow="budget", plan_hash="p2", connection="jde") == "2"
    assert keys(states=[State.OPEN, State.UNKNOWN]) == "431"
    assert keys(flow="budget", states=[State.CONFIRMED]) == "2"
    assert keys(flow="none") == ""


def test_journals_the_erp_has_not_posted_are_found_behind_any_number_of_others(
    records: Records, first: Posting
) -> None:
    """Only a receipt that says `posted` takes a journal out; the limit counts what is left."""
    receipts: list[Json] = [
        {}, {"posted": True}, {"posted": False}, {"posted": None}, {"batches": ["posted"]},
        {"posted": True, "documents": []}, {"documents": {"posted": True}},
    ]  # fmt: skip
    for number, receipt in enumerate(receipts):
        settle(records, replace(first, posting_key=f"AAAAAAA{number}", subject=str(number)))
        records.postings.save_posting(f"AAAAAAA{number}", State.CONFIRMED, receipt=receipt)
    supplier = replace(first, posting_key="AAAAAAA8", subject="8", kind="supplier")
    settle(records, supplier)
    settle(records, replace(first, posting_key="AAAAAAA9", subject="9"), State.REFUSED)

    def keys(**asked: Any) -> str:
        found = records.postings.load_postings(awaits_posting=True, **asked)
        return "".join(posting.posting_key[-1] for posting in found)

    assert keys() == "964320"
    assert keys(states=[State.CONFIRMED], limit=3) == "643"
    assert keys(states=[State.CONFIRMED], flow="budget", connection="jde") == "64320"
    assert keys(connection="fusion") == ""
    records.postings.save_posting("AAAAAAA0", State.CONFIRMED, receipt={"posted": True})
    assert keys(states=[State.CONFIRMED]) == "6432"


def test_organisations_post_apart(
    records: Records, confirmed: Posting, first: Posting, reversal: Posting, records_clock: Clock
) -> None:
    """Neither keys, nor subjects, nor what may be reversed is seen across organisations."""
    create_organisation("north")
    north = open_records("north", clock=records_clock)
    assert north.postings.find_posting("AAAAAAA2") is None
    with pytest.raises(BlockedError, match="not known"):
        north.postings.make_posting(reversal)
    assert north.postings.make_posting(first) == first
    assert find(records, "AAAAAAA2") == confirmed
    assert len(north.postings.load_postings()) == 1
