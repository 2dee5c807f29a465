"""What lies behind an unmapped value: account combinations, and journal lines one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ml_connector.domain.ledger import Line
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import load_books
from ml_connector.flows.pins import find_newest_pins, load_placer
from ml_connector.flows.placing.lineage import as_line_sum
from ml_connector.flows.placing.summing import Placer
from ml_connector.ports import BatchRevision, Measure
from ml_connector.ports.unmapped import UnmappedValue

LINES_MAX = 200
"""Journal lines shown behind one value; the others are counted."""
BATCHES_MAX = 400
"""Batches looked through for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBehind:
    """A journal line no rule takes, and the batch it came in."""

    member: str
    batch_id: str
    batch_name: str
    line: Line


def find_lines_behind(
    bench: ActualsBench, value: UnmappedValue, members: Sequence[str]
) -> list[LineBehind]:
    """Some of the journal lines on the value, in these planning periods; sends nothing.

    Raises:
        NeverRunError: Nothing of the flow is archived yet.
    """
    pins = find_newest_pins(bench)
    placer = load_placer(bench, pins)
    books = load_books(bench, pins["books"])
    pairs = [(member, pair) for member in members for pair in books.pairs_of(member)]
    return list(islice(_walk(bench, placer, value, pairs), LINES_MAX))


def _walk(
    bench: ActualsBench,
    placer: Placer,
    value: UnmappedValue,
    pairs: Sequence[tuple[str, tuple[str, str]]],
) -> Iterator[LineBehind]:
    looked_through = 0
    for member, (ledger, period) in pairs:
        for revision in bench.records.batches.load_current(bench.source.connection, ledger, period):
            looked_through += 1
            if looked_through > BATCHES_MAX:
                return
            for line in _read(bench, placer, revision, (ledger, period), value):
                yield LineBehind(
                    member=member, batch_id=revision.batch_id, batch_name=revision.name, line=line
                )


def _read(
    bench: ActualsBench,
    placer: Placer,
    revision: BatchRevision,
    pair: tuple[str, str],
    value: UnmappedValue,
) -> Iterator[Line]:
    lines = bench.archive.read_lines(revision, ledger=pair[0], period=pair[1], is_summed=True)
    for line in lines:
        facts = placer.facts_of(as_line_sum(line, Measure(bench.flow.measure)))
        if facts.get(value.fact, "") != value.value:
            continue
        if value.dimension in placer.find_place(facts, line.accounting_date).missing:
            yield line
