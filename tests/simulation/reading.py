"""What befalls a read of the ledger: pages repeat or move, batches change between two of them."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.simulation.loopback import Intervention

from ml_connector.sandbox.company.model import Batch, Journal, JournalLine
from ml_connector.sandbox.fusion.books import erase_batch, load_batch
from ml_connector.sandbox.fusion.desk import Change, Desk

BATCH = re.compile(r"/journalBatches/(\d+)/child")
READ = r"/journalBatches/\d+/child/journalHeaders"
"""Requests that read a batch's journals or lines."""
READS_MAX = 10
FURTHER_PAGE = r"[?&]offset=[1-9]"
SMALL_PAGES = 5
REPEATED, REORDERED = "pages repeated", "pages reordered"
CHANGED, GROWN = "batch changed while read", "line added to a batch read"
TURNS: dict[str, dict[str, Any]] = {
    REPEATED: {"max_limit": SMALL_PAGES, "repeat_page": True},
    REORDERED: {"max_limit": SMALL_PAGES, "default_order": "reversed"},
}


def turn_pages(kind: str) -> Callable[[Any, int], bool]:
    """Collections come in small pages from now on, and further ones are not what they should be.

    Whether it has happened is told by the first further page that is asked for.
    """

    def turn(world: Any, _detail: int) -> bool:
        world.pods.fusion.switches.turn(TURNS[kind])
        asked = Intervention(kind=kind, path=FURTHER_PAGE, nth=1, status=200, act=lambda: True)
        world.wire.interventions.append(asked)
        return False

    return turn


def change_batch(world: Any, _detail: int) -> bool:
    """The batch that is being read has a journal of twice its amounts."""
    return _rewrite(world, lambda journal: replace(journal, lines=_double(journal)))


def grow_batch(world: Any, _detail: int) -> bool:
    """The batch that was just read has two further lines, which balance."""
    return _rewrite(world, lambda journal: replace(journal, lines=_repeat(journal)))


def _rewrite(world: Any, change: Callable[[Journal], Journal]) -> bool:
    found = BATCH.search(world.wire.last_path)
    if found is None:
        return False
    store, number = world.pods.fusion.store, int(found[1])
    batch = load_batch(store, number)
    first, *others = batch.journals
    _replace(store, batch, replace(batch, journals=(change(first), *others)), number=number)
    at = world.pods.fusion.clock.now_utc()
    Desk(store=store).touch(Change(at=at, next_id=0), {"JeBatchId": number})
    return True


def _replace(store: Any, old: Batch, new: Batch, *, number: int) -> None:
    desk = Desk(store=store)
    facts = store.query(
        "SELECT PostedDate, PostingRunId, LastUpdateDate FROM je_batches WHERE _id = ?", (number,)
    )[0]
    with store.transaction():
        desk._gather(old, sign=-1)
        erase_batch(store, number)
        desk._write(replace(new, updated_at=datetime.fromisoformat(facts[2])), number)
        store.execute(
            "UPDATE je_batches SET PostedDate = ?, PostingRunId = ?, LastUpdateDate = ?"
            " WHERE _id = ?",
            (*facts, number),
        )


def _double(journal: Journal) -> tuple[JournalLine, ...]:
    return tuple(
        replace(
            line,
            entered_dr=_twice(line.entered_dr), entered_cr=_twice(line.entered_cr),
            accounted_dr=_twice(line.accounted_dr), accounted_cr=_twice(line.accounted_cr),
        )
        for line in journal.lines
    )  # fmt: skip


def _repeat(journal: Journal) -> tuple[JournalLine, ...]:
    """The lines, and the first once more with its counterpart, which takes it back elsewhere."""
    first, last = journal.lines[0], journal.lines[-1]
    number = max(line.number for line in journal.lines)
    again = replace(first, number=number + 1)
    back = replace(
        first, number=number + 2, combination=last.combination,
        entered_dr=first.entered_cr, entered_cr=first.entered_dr,
        accounted_dr=first.accounted_cr, accounted_cr=first.accounted_dr,
    )  # fmt: skip
    return (*journal.lines, again, back)


def _twice(amount: Any) -> Any:
    return None if amount is None else 2 * amount


READING_EVENTS: dict[str, Callable[[Any, int], bool]] = {
    REPEATED: turn_pages(REPEATED),
    REORDERED: turn_pages(REORDERED),
    CHANGED: change_batch,
    GROWN: grow_batch,
}
