"""Reading: changed batches come whole into the archive, as new revisions, before anything else."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

from ml_connector.domain.ledger import Batch, BatchStamp
from ml_connector.flows.bench import ActualsBench, cut, read_document, store_document
from ml_connector.flows.ledger.books import Books, Pair
from ml_connector.ports import BatchRevision, Json, LineSum, Measure, Steps

LIST_CHANGES = "read: list changes"
FOUND = ("pending", "settled", "settled_shown", "gone", "gone_shown")
PENDING_SHOWN_MAX = 20
READING_MAX = timedelta(hours=12)
"""How long after its start a read still lists what changes: a batch that was posted before and is
touched under its eyes would else be in neither this read nor its period in this run."""
GROUP_BATCHES_MAX = 100
"""Batches per durable step: a crash repeats at most that many."""


def read_changes(steps: Steps, bench: ActualsBench) -> Json:
    """Every batch changed since the watermark is archived; what was found on the way.

    `until` is the time of the start; `pending` batches are entered and not posted, `settled`
    ones were pending at the last look and are posted now, `gone` ones were deleted.

    Before the first read there is no watermark: the periods in scope are read whole instead.
    """
    started = steps.step("read: server time", lambda: _start_reading(bench))
    listing = steps.step(LIST_CHANGES, partial(_list_changes, bench, started))
    read_listed(steps, bench, listing, label="read: changes")
    steps.step("read: note pending", partial(_note_pending, bench, listing))
    return {"until": started["read_at"], **{name: listing[name] for name in FOUND}}


def _start_reading(bench: ActualsBench) -> Json:
    watermark = bench.records.batches.load_watermark(bench.source.connection)
    overlap = timedelta(minutes=bench.flow.overlap_minutes)
    until = bench.source.read_server_time()
    return {
        "since": (watermark - overlap).isoformat() if watermark else "",
        "until": until.isoformat(),
        # A watermark from a clock that goes ahead would hide what changes once it is set right.
        "read_at": min(until, bench.clock.now()).isoformat(),
    }


def _list_changes(bench: ActualsBench, started: Json) -> Json:
    """What changed since, and what became of the batches that were pending at the last look.

    A batch may be posted without its change date moving, so one that was pending is asked for by
    its id and read again whatever its version says.
    """
    before = bench.records.batches.load_pending(bench.source.connection)
    pending = {s.batch_id: s for s in bench.source.read_pending_stamps()}
    stamps = {s.batch_id: s for s in _read_changed(bench, started)} | pending
    left = sorted(before - set(pending))
    asked = {s.batch_id: s for s in bench.source.read_stamps(left)} if left else {}
    settled = [s for s in (stamps | asked).values() if s.batch_id in before and s.is_posted]
    gone = [batch_id for batch_id in left if batch_id not in asked]
    return list_stamps(bench, (stamps | asked).values(), again=settled) | {
        "pending": len(pending),
        "settled": len(left) - len(gone),
        "settled_shown": sorted(set(left) - set(gone))[:PENDING_SHOWN_MAX],
        "gone": len(gone),
        "gone_shown": gone[:PENDING_SHOWN_MAX],
        "pending_document": store_document(bench.archive, sorted(pending)),
        "left_document": store_document(bench.archive, left),
    }


def _read_changed(bench: ActualsBench, started: Json) -> Iterator[BatchStamp]:
    """What changed since; everything where the server's clock was ahead at the last read.

    Nobody knows then since when its change dates are right again.
    """
    if not started["since"]:
        return iter(())
    since, until = (datetime.fromisoformat(started[name]) for name in ("since", "until"))
    if since > until:
        return bench.source.read_all_stamps()
    return bench.source.read_changed_stamps(since, until + READING_MAX)


def _note_pending(bench: ActualsBench, listing: Json) -> Json:
    """What is pending now is looked at again by the next read.

    Other flows read through the same connection, and this run may have been away for days: what
    they have noted meanwhile stays, unless this run has settled it.
    """
    pending, left = (
        set(read_document(bench.archive, listing[name]))
        for name in ("pending_document", "left_document")
    )
    noted = bench.records.batches.load_pending(bench.source.connection)
    bench.records.batches.save_pending(bench.source.connection, noted - left | pending)
    return {"pending": len(pending)}


def move_watermark(bench: ActualsBench, until: str) -> Json:
    """The watermark stands at the time the read began; every batch of it is archived."""
    bench.records.batches.save_watermark(bench.source.connection, datetime.fromisoformat(until))
    return {"watermark": until}


def list_stamps(
    bench: ActualsBench, stamps: Iterable[BatchStamp], *, again: Iterable[BatchStamp] = ()
) -> Json:
    """The stamps whose batch the archive does not hold in that version, as a document.

    Those of `again` are listed whatever their version; those without a posted line only when the
    archive holds lines of them, which then are gone.
    """
    anyway = {stamp.batch_id for stamp in again}
    wanted: list[list[str]] = []
    seen = 0
    for group in cut(list(stamps), 1000):
        seen += len(group)
        known = bench.records.batches.find_versions(
            bench.source.connection, [stamp.batch_id for stamp in group]
        )
        wanted.extend(
            [stamp.batch_id, stamp.version]
            for stamp in group
            if stamp.batch_id in anyway or _is_news(stamp, known.get(stamp.batch_id))
        )
    return {
        "listed": seen,
        "wanted": len(wanted),
        "document": store_document(bench.archive, sorted(wanted)),
    }


def _is_news(stamp: BatchStamp, known: str | None) -> bool:
    return known != stamp.version if stamp.is_posted else known is not None


def read_listed(steps: Steps, bench: ActualsBench, listing: Json, *, label: str) -> int:
    """Every listed batch is archived, group by group; returns how many revisions are new."""
    rows = read_document(bench.archive, listing["document"])
    stamps = [BatchStamp(batch_id=row[0], version=row[1]) for row in rows]
    groups = list(cut(stamps, GROUP_BATCHES_MAX))
    new = 0
    for number, group in enumerate(groups, start=1):
        result = steps.step(
            f"{label} {number}/{len(groups)}",
            partial(archive_group, bench, group, run_id=steps.run_id),
        )
        new += int(result["revisions"])
    return new


def archive_group(bench: ActualsBench, stamps: Sequence[BatchStamp], *, run_id: str) -> Json:
    """The batches are archived whole and current; what they touch is owed to every flow."""
    gone: list[BatchStamp] = []
    present = _keep_present(bench.source.read_batches(stamps), gone)
    first = next(present, None)
    revisions: list[BatchRevision] = []
    if first is not None:
        _, revisions = bench.archive.write_batches(chain([first], present))
    revisions = [replace(one, run_id=run_id) for one in revisions + _removals(bench, gone)]
    pairs = bench.records.batches.record_revisions(
        bench.source.connection, revisions, owed_by=bench.ledgers_by_flow
    )
    return {
        "batches": len(stamps),
        "revisions": len(revisions),
        "removed": len(gone),
        "lines": sum(revision.lines for revision in revisions),
        "touched": len(pairs),
    }


def _keep_present(
    found: Iterator[tuple[BatchStamp, Batch | None]], gone: list[BatchStamp]
) -> Iterator[Batch]:
    for stamp, batch in found:
        if batch is None:
            gone.append(stamp)
        else:
            yield batch


def _removals(bench: ActualsBench, gone: Sequence[BatchStamp]) -> list[BatchRevision]:
    """A removal for each vanished batch the archive still holds."""
    held = bench.records.batches.find_versions(
        bench.source.connection, [stamp.batch_id for stamp in gone]
    )
    return [
        BatchRevision(
            batch_id=stamp.batch_id, revision=0, updated_at=bench.clock.now(),
            version=stamp.version, file_hash="", lines=0, content_hash="removed", is_removed=True,
        )
        for stamp in gone
        if stamp.batch_id in held
    ]  # fmt: skip


def read_whole(
    steps: Steps, bench: ActualsBench, books: Books, pairs: Sequence[Pair], *, everything: bool
) -> None:
    """The pairs the archive has not read whole are read now; `everything` reads all again."""
    scope = steps.step(
        "backfill: scope", partial(_find_unread, bench, pairs, everything=everything)
    )
    unread = [(pair[0], pair[1]) for pair in read_document(bench.archive, scope["document"])]
    if not unread:
        return
    listing = steps.step(
        "backfill: list batches", partial(_list_periods, bench, books, unread, everything)
    )
    read_listed(steps, bench, listing, label="backfill: batches")


def _find_unread(bench: ActualsBench, pairs: Sequence[Pair], *, everything: bool) -> Json:
    whole = bench.records.batches.load_whole(bench.source.connection)
    unread = [list(pair) for pair in pairs if everything or pair not in whole]
    return {"pairs": len(unread), "document": store_document(bench.archive, unread)}


def _list_periods(
    bench: ActualsBench,
    books: Books,
    pairs: Sequence[Pair],
    everything: bool,  # noqa: FBT001 - bound by partial.
) -> Json:
    """Batches filed under the pairs' periods, and those archived there that may have vanished."""
    # Two calendars may use the same names, so the period itself is the key.
    periods = dict.fromkeys(books.period(pair) for pair in pairs)
    stamps = list(bench.source.read_period_stamps(list(periods)))
    listed = list_stamps(bench, stamps)
    wanted = read_document(bench.archive, listed["document"])
    archived = read_document(bench.archive, list_current(bench, pairs)["document"])
    seen = {stamp.batch_id for stamp in stamps}
    again = [row for row in archived if everything or row[0] not in seen]
    rows = sorted({row[0]: row for row in again + wanted}.values())
    return {"wanted": len(rows), "document": store_document(bench.archive, rows)}


def list_everything(bench: ActualsBench) -> Json:
    """All posted batches the archive does not hold as they are now: the widest search."""
    return list_stamps(bench, bench.source.read_all_stamps())


def list_current(bench: ActualsBench, pairs: Sequence[Pair]) -> Json:
    """The archived batches of these pairs, to be read again whatever their stamps say."""
    rows = {
        revision.batch_id: revision.version
        for ledger, period in pairs
        for revision in bench.records.batches.load_current(bench.source.connection, ledger, period)
    }
    wanted = [[batch_id, at] for batch_id, at in sorted(rows.items())]
    return {"wanted": len(wanted), "document": store_document(bench.archive, wanted)}


def read_pairs(bench: ActualsBench, pairs: Sequence[Pair]) -> Iterator[LineSum]:
    """Yield the archive's current lines of the pairs, summed, in the flow's measure."""
    return bench.archive.read_line_sums(
        _load_revisions(bench, pairs), pairs=pairs, measure=Measure(bench.flow.measure)
    )


def stamp_pairs(bench: ActualsBench, pairs: Sequence[Pair]) -> str:
    """Tells one state of the archive from another: the same stamp, the same lines of the pairs."""
    revisions = sorted((one.batch_id, one.revision) for one in _load_revisions(bench, pairs))
    return hashlib.sha256(json.dumps(revisions).encode()).hexdigest()


def _load_revisions(bench: ActualsBench, pairs: Sequence[Pair]) -> list[BatchRevision]:
    """The archive's current revisions with lines in the pairs, each once."""
    current = {
        revision.batch_id: revision
        for ledger, period in pairs
        for revision in bench.records.batches.load_current(bench.source.connection, ledger, period)
    }
    return list(current.values())
