"""What several stores say of one thing is stored together, or not at all."""

import pytest

from ml_connector.errors import BusyError
from ml_connector.ports import Clock, Posting, PostingState, Records


@pytest.fixture
def posting(records: Records, records_clock: Clock) -> Posting:
    """A posting that was made."""
    return records.postings.make_posting(
        Posting(
            posting_key="AAAAAAA2", flow="budget", run_id="r1", plan_hash="p1", connection="jde",
            kind="journal", subject="s", generation=1, content_hash="c", totals={},
            made_at=records_clock.now(),
        )
    )  # fmt: skip


def confirm(records: Records) -> None:
    """Two stores say that the posting is confirmed."""
    records.postings.save_posting("AAAAAAA2", PostingState.CONFIRMED)
    records.audit.record("posting.confirmed", subject="AAAAAAA2", actor="kim")


def find(records: Records) -> tuple[str, int]:
    """How the posting stands, and the length of the chain."""
    stored = records.postings.find_posting("AAAAAAA2")
    assert stored is not None
    return stored.state, records.audit.verify()


def test_block_that_ends_well_is_kept(records: Records, posting: Posting) -> None:
    """As if each store had stored its own."""
    with records.transactions.begin("an outcome"):
        confirm(records)
    assert find(records) == ("confirmed", 1)


def confirm_and_raise(records: Records, error: type[BaseException]) -> None:
    """Both stores have said so when something stops the block."""
    with records.transactions.begin("an outcome"):
        confirm(records)
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_block_that_fails_leaves_nothing(
    records: Records, posting: Posting, error: type[BaseException]
) -> None:
    """Whatever stops it, before or between; the stores go on as before."""
    with pytest.raises(error):
        confirm_and_raise(records, error)
    assert find(records) == ("open", 0)
    confirm(records)
    assert find(records) == ("confirmed", 1)


def test_refusal_of_one_store_takes_back_what_another_stored(
    records: Records, posting: Posting
) -> None:
    """The chain does not tell of an outcome that was refused; blocks within are parts of it."""
    records.postings.mark_sent("AAAAAAA2", last=None)
    with pytest.raises(BusyError):
        refuse_too_late(records, posting)
    assert find(records) == ("open", 0)


def refuse_too_late(records: Records, seen: Posting) -> None:
    """The chain has two links more when the outcome they tell of is refused."""
    with records.transactions.begin("an outcome"):
        records.audit.record("posting.refused", subject="AAAAAAA2", actor="kim")
        with records.transactions.begin("a part of it"):
            records.audit.record("posting.looked-at", subject="AAAAAAA2", actor="kim")
        records.postings.save_posting("AAAAAAA2", PostingState.REFUSED, seen=seen)
