"""The way of a line: which journal lines made a summary, found again from the archive.

Nothing of it is stored line by line: archive revision, rules and signs are kept, and placing is a
pure function of them, so the way is walked again when somebody asks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ml_connector.domain.ledger import Line, Totals
from ml_connector.domain.summaries import SummaryKey
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Pair
from ml_connector.flows.placing.summing import Placer, make_key
from ml_connector.ports import BatchRevision, LineSum, Measure

LINES_MAX = 5_000
"""Most lines joined to one question; the rest are counted, not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWay:
    """A journal line and the intersection it went to."""

    batch_id: str
    batch_revision: int
    line: Line
    key: SummaryKey


def find_lines(
    bench: ActualsBench,
    placer: Placer,
    *,
    member: str,
    pairs: Iterable[Pair],
    keys: set[SummaryKey],
) -> Iterator[LineWay]:
    """Yield the lines that make up these intersections, by ledger, batch and line."""
    for ledger, period in pairs:
        revisions = bench.records.batches.load_current(bench.source.connection, ledger, period)
        for revision in revisions:
            yield from _walk(
                bench, placer, revision, member=member, pair=(ledger, period), keys=keys
            )


def _walk(
    bench: ActualsBench,
    placer: Placer,
    revision: BatchRevision,
    *,
    member: str,
    pair: Pair,
    keys: set[SummaryKey],
) -> Iterator[LineWay]:
    lines = bench.archive.read_lines(revision, ledger=pair[0], period=pair[1], is_summed=True)
    for line in lines:
        key = find_key(bench, placer, line, member)
        if key in keys:
            yield LineWay(
                batch_id=revision.batch_id, batch_revision=revision.revision, line=line, key=key
            )


def find_key(bench: ActualsBench, placer: Placer, line: Line, member: str) -> SummaryKey | None:
    """The intersection a line goes to; None when it is excluded or no rule maps it."""
    line_sum = as_line_sum(line, Measure(bench.flow.measure))
    place = placer.find_place(placer.facts_of(line_sum), line.accounting_date)
    return None if place.targets is None else make_key(bench, place.targets, member, line_sum)


def as_line_sum(line: Line, measure: Measure) -> LineSum:
    """A single line in the form placing looks at."""
    base = measure is Measure.BASE
    totals = Totals(
        debit=line.debit if base else line.entered_debit,
        credit=line.credit if base else line.entered_credit,
        lines=1,
    )
    return LineSum(
        ledger=line.ledger,
        period=line.period,
        accounting_date=line.accounting_date,
        chart=line.chart,
        combination=line.combination,
        currency=line.currency if base else line.entered_currency,
        source=line.source,
        category=line.category,
        totals=totals,
    )
