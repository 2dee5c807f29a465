"""Revisions of batches, the periods they touch, and the watermark."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.ports import BatchRevision, Clock, Records
from ml_connector.records import create_organisation, open_records

Spawn = Callable[..., "subprocess.Popen[str]"]
CHANGED_AT = datetime(2026, 10, 1, 8, 30, 0, 123456, tzinfo=UTC)
OCT = ("Vision", "Oct-26")
NOV = ("Vision", "Nov-26")
DEC = ("Vision", "Dec-26")


def revise(
    batch_id: str, content: str, *periods: tuple[str, str], at: datetime = CHANGED_AT
) -> BatchRevision:
    """What the archive says of a batch it has just stored."""
    return BatchRevision(
        batch_id=batch_id,
        revision=0,
        updated_at=at,
        version=at.isoformat(),
        file_hash=f"file of {content}",
        lines=2,
        content_hash=content,
        periods=periods,
        name=f"Batch {batch_id}",
        run_id="0142",
    )


def current(records: Records, pair: tuple[str, str] = OCT) -> list[tuple[str, int, str]]:
    """Batch, revision number and content that count for a period."""
    found = records.batches.load_current("fusion", *pair)
    return [(revision.batch_id, revision.revision, revision.content_hash) for revision in found]


def test_first_revision_is_number_one_and_touches_its_periods(records: Records) -> None:
    """A batch that was not archived touches every period it has lines in."""
    touched = records.batches.record_revisions("fusion", [revise("b1", "c1", OCT, NOV, OCT)])
    assert touched == [NOV, OCT]
    stored = replace(revise("b1", "c1", NOV, OCT), revision=1)
    assert records.batches.load_current("fusion", *OCT) == [stored]
    assert records.batches.load_current("fusion", *NOV) == [stored]
    assert records.batches.load_current("fusion", *DEC) == []
    assert records.batches.load_current("jde", *OCT) == []


def test_same_content_touches_nothing_but_its_time(records: Records) -> None:
    """A batch whose header changed and whose lines did not costs no load."""
    records.batches.record_revisions("fusion", [revise("b1", "c1", OCT)])
    later = CHANGED_AT + timedelta(hours=1)
    again = replace(revise("b1", "c1", OCT, at=later), file_hash="another file")
    assert records.batches.record_revisions("fusion", [again]) == []
    (revision,) = records.batches.load_revisions("fusion", "b1")
    assert revision == replace(revise("b1", "c1", OCT, at=later), revision=1)
    assert records.batches.find_versions("fusion", ["b1"]) == {"b1": later.isoformat()}


def test_replacing_revision_touches_old_and_new_periods(records: Records) -> None:
    """Lines that left a period change it as much as lines that came."""
    records.batches.record_revisions("fusion", [revise("b1", "c1", OCT, NOV)])
    touched = records.batches.record_revisions("fusion", [revise("b1", "c2", NOV, DEC)])
    assert touched == [DEC, NOV, OCT]
    assert current(records, OCT) == []
    assert current(records, NOV) == current(records, DEC) == [("b1", 2, "c2")]
    assert [r.content_hash for r in records.batches.load_revisions("fusion", "b1")] == ["c1", "c2"]


def test_removed_batch_touches_its_periods_and_counts_no_more(records: Records) -> None:
    """A batch the ERP no longer has leaves its periods, but stays in the history."""
    records.batches.record_revisions("fusion", [revise("b1", "c1", OCT)])
    gone = replace(revise("b1", "c1", OCT), is_removed=True)
    assert records.batches.record_revisions("fusion", [gone]) == [OCT]
    assert current(records) == []
    assert records.batches.find_versions("fusion", ["b1"]) == {}
    assert records.batches.record_revisions("fusion", [gone]) == []
    assert [r.is_removed for r in records.batches.load_revisions("fusion", "b1")] == [False, True]
    assert records.batches.record_revisions("fusion", [revise("b1", "c1", OCT)]) == [OCT]
    assert current(records) == [("b1", 3, "c1")]


def test_removed_batch_without_periods_touches_those_it_had(records: Records) -> None:
    """The word that a batch is gone needs to know nothing of its lines."""
    records.batches.record_revisions("fusion", [revise("b1", "c1", OCT, NOV)])
    gone = replace(revise("b1", ""), is_removed=True)
    assert records.batches.record_revisions("fusion", [gone]) == [NOV, OCT]


def test_flows_owe_what_a_revision_touched_even_when_it_is_told_again(records: Records) -> None:
    """Flows owe the touched periods of their ledgers from the moment the revision is current."""
    owed_by = {"us": (OCT[0],), "other": ("another ledger",)}
    records.batches.record_revisions("fusion", [revise("b1", "c1", OCT)], owed_by=owed_by)
    assert records.batches.load_touched("us") == {OCT}
    assert records.batches.load_touched("other") == set()
    records.batches.record_revisions("fusion", [revise("b1", "c1", OCT)], owed_by=owed_by)
    assert records.batches.load_touched("us") == {OCT}


def test_batch_named_twice_in_one_call_becomes_two_revisions(records: Records) -> None:
    """The later word replaces the earlier one, as in two calls."""
    twice = [revise("b1", "c1", OCT), revise("b2", "c9", OCT), revise("b1", "c2", NOV)]
    assert records.batches.record_revisions("fusion", twice) == [NOV, OCT]
    assert current(records, OCT) == [("b2", 1, "c9")]
    assert current(records, NOV) == [("b1", 2, "c2")]


def test_current_revisions_come_by_batch_id(records: Records) -> None:
    """Sums read batches in one order, whatever order they were read in from the ERP."""
    records.batches.record_revisions("fusion", [revise(b, b, OCT) for b in ("b9", "B1", "b10")])
    assert [batch for batch, _, _ in current(records)] == ["B1", "b10", "b9"]


def test_versions_are_found_for_many_batches_at_once(records: Records) -> None:
    """Archived ones are answered, unknown ones are left out."""
    revisions = [revise(f"b{n}", f"c{n}", OCT) for n in range(1_200)]
    assert records.batches.record_revisions("fusion", revisions) == [OCT]
    asked = [f"b{n}" for n in range(2_400)]
    found = records.batches.find_versions("fusion", asked)
    assert found == {f"b{n}": CHANGED_AT.isoformat() for n in range(1_200)}
    assert records.batches.find_versions("fusion", []) == {}
    assert records.batches.find_versions("jde", ["b1"]) == {}


def test_pending_batches_are_exactly_the_ones_noted_last(records: Records) -> None:
    """A batch that was posted or deleted is not looked for again; connections are apart."""
    records.batches.save_pending("jde", [f"G-{n}" for n in range(1_200)])
    records.batches.save_pending("other", ["G-1"])
    records.batches.save_pending("jde", ["G-7", "G-2000", "G-7"])
    assert records.batches.load_pending("jde") == {"G-7", "G-2000"}
    records.batches.save_pending("jde", [])
    assert records.batches.load_pending("jde") == set()
    assert records.batches.load_pending("other") == {"G-1"}


def test_watermark_that_has_not_come_yet_is_corrected(
    records: Records, records_clock: Clock
) -> None:
    """A server whose clock was ahead told a time that must not hide later changes."""
    now = records_clock.now()
    records.batches.save_watermark("jde", now + timedelta(days=40))
    records.batches.save_watermark("jde", now)
    records.batches.save_watermark("jde", now - timedelta(days=1))
    assert records.batches.load_watermark("jde") == now


def test_watermark_never_moves_backwards(records: Records) -> None:
    """A read that began earlier and ended later does not undo a newer one."""
    assert records.batches.load_watermark("fusion") is None
    records.batches.save_watermark("fusion", CHANGED_AT)
    records.batches.save_watermark("fusion", CHANGED_AT - timedelta(microseconds=1))
    assert records.batches.load_watermark("fusion") == CHANGED_AT
    records.batches.save_watermark("fusion", CHANGED_AT + timedelta(microseconds=1))
    assert records.batches.load_watermark("fusion") == CHANGED_AT + timedelta(microseconds=1)
    assert records.batches.load_watermark("jde") is None


def test_touched_periods_are_owed_until_settled(records: Records) -> None:
    """Told twice is owed once; settling one leaves the others."""
    records.batches.record_touched("actuals", [OCT, NOV])
    records.batches.record_touched("actuals", iter([NOV, DEC]))
    assert records.batches.load_touched("actuals") == {OCT, NOV, DEC}
    records.batches.settle_touched("actuals", [NOV, ("Vision", "Jan-27")])
    assert records.batches.load_touched("actuals") == {OCT, DEC}
    assert records.batches.load_touched("other") == set()


def test_whole_periods_are_kept_once(records: Records) -> None:
    """Reading a period whole again is no second fact."""
    for run_id in ("0142", "0143"):
        records.batches.record_whole("fusion", *OCT, run_id=run_id)
    assert records.batches.load_whole("fusion") == {OCT}
    assert records.batches.load_whole("jde") == set()


def test_organisations_archive_apart(records: Records, records_clock: Clock) -> None:
    """The same batch id of the same connection name is another batch elsewhere."""
    create_organisation("north")
    north = open_records("north", clock=records_clock).batches
    records.batches.record_revisions("fusion", [revise("b1", "c1", OCT)])
    records.batches.save_watermark("fusion", CHANGED_AT)
    records.batches.record_touched("actuals", [OCT])
    records.batches.record_whole("fusion", *OCT, run_id="0142")
    assert north.load_current("fusion", *OCT) == []
    assert north.load_revisions("fusion", "b1") == []
    assert north.find_versions("fusion", ["b1"]) == {}
    assert north.load_watermark("fusion") is None
    assert (north.load_touched("actuals"), north.load_whole("fusion")) == (set(), set())
    assert north.record_revisions("fusion", [revise("b1", "c1", OCT)]) == [OCT]
    north.settle_touched("actuals", [OCT])
    assert records.batches.load_touched("actuals") == {OCT}


RECORD_AND_DIE = """
from datetime import datetime, UTC
from ml_connector.ports import BatchRevision
from ml_connector.records import batches, models
from ml_connector.records.store import OrganisationStore

survives = int(sys.argv[1])
original = batches.BatchRecords._add
calls = []

def add_or_die(self, *arguments):
    if len(calls) == survives:
        os._exit(9)
    calls.append(1)
    original(self, *arguments)

batches.BatchRecords._add = add_or_die
at = datetime(2026, 10, 2, tzinfo=UTC)
revisions = [
    BatchRevision(batch_id=f"b{n}", revision=0, updated_at=at, version="v", file_hash="f", lines=1,
                  content_hash="new", periods=(("Vision", "Nov-26"),))
    for n in range(1200)
]
print(len(open_records().batches.record_revisions("fusion", revisions)))
"""


@pytest.mark.parametrize("chunks_before", [0, 1, 2])
def test_process_killed_while_recording_leaves_all_as_it_was(
    records: Records, spawn: Spawn, chunks_before: int
) -> None:
    """Revisions are current all or none, wherever the process dies; a repetition then works."""
    records.batches.record_revisions("fusion", [revise(f"b{n}", "old", OCT) for n in range(700)])
    dead = spawn(RECORD_AND_DIE, str(chunks_before))
    dead.communicate()
    assert dead.returncode == 9
    assert len(current(records, OCT)) == 700
    assert current(records, NOV) == []
    assert len(records.batches.load_revisions("fusion", "b1")) == 1
    alive = spawn(RECORD_AND_DIE, "3")
    assert alive.communicate()[0] == "2\n"
    assert current(records, OCT) == []
    assert len(current(records, NOV)) == 1_200


@pytest.mark.exhaustive
@pytest.mark.long
def test_thousands_of_revisions_fit_one_call(records: Records) -> None:
    """A first read records 12 000 batches at once, and their change again."""
    for content in ("c1", "c2"):
        revisions = [revise(f"b{n}", f"{content} {n}", OCT, NOV) for n in range(12_000)]
        assert records.batches.record_revisions("fusion", revisions) == [NOV, OCT]
    assert len(current(records)) == 12_000
