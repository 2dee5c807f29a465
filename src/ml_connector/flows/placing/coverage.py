"""How much of the ledger the rules reach, in money, and what they do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.domain.ledger import Totals
from ml_connector.domain.summaries import EXCLUDED_PREFIX
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Books, Pair, load_books
from ml_connector.flows.pins import find_newest_pins, load_placer
from ml_connector.flows.placing.summing import Placer, sum_member


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """What happened to a ledger's lines of one period and currency."""

    ledger: str
    period: str
    currency: str
    placement: str
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedRow:
    """A combination no rule of a dimension takes, with what is at stake."""

    dimension: str
    ledger: str
    period: str
    currency: str
    combination: str
    stands_for: str
    """What the combination stands for, where it is an id; else empty."""
    totals: Totals


def cover_archived(
    bench: ActualsBench, members: Sequence[str] | None
) -> tuple[list[CoverageRow], list[UnmappedRow]]:
    """Where archived lines go by the rules as they are now; all loaded periods unless named.

    Raises:
        UsageError: The flow has never run, so nothing is archived for it.
    """
    pins = find_newest_pins(bench)
    books = load_books(bench, pins["books"])
    placer = load_placer(bench, pins, text=bench.mapping_text)
    chosen = members or list(dict.fromkeys(books.members.values()))
    return cover_members(bench, books, placer, chosen)


def cover_members(
    bench: ActualsBench, books: Books, placer: Placer, members: Sequence[str]
) -> tuple[list[CoverageRow], list[UnmappedRow]]:
    """Where the archived lines of these planning periods go by the rules; sends nothing."""
    rows: dict[tuple[str, str, str, str], Totals] = {}
    unmapped: list[UnmappedRow] = []
    for member in members:
        pairs: list[Pair] = books.pairs_of(member)
        sums = sum_member(bench, placer, member, pairs)
        for key, totals in bench.archive.read_totals(sums["placed"]):
            ledger, period, currency, _, placement = key
            at = (ledger, period, currency, placement)
            rows[at] = rows.get(at, Totals()) + totals
        for key, totals in bench.archive.read_totals(sums["unmapped"]):
            dimension, ledger, period, currency, combination = key
            unmapped.append(
                UnmappedRow(
                    dimension=dimension, ledger=ledger, period=period, currency=currency,
                    combination=combination, stands_for=placer.name_combination(combination),
                    totals=totals,
                )
            )  # fmt: skip
    covered = [
        CoverageRow(ledger=k[0], period=k[1], currency=k[2], placement=k[3], totals=totals)
        for k, totals in sorted(rows.items())
    ]
    return covered, sorted(unmapped, key=lambda row: -abs(row.totals.net))


def name_placement(placement: str) -> str:
    """A placement in words."""
    if placement.startswith(EXCLUDED_PREFIX):
        return f"excluded: {placement.removeprefix(EXCLUDED_PREFIX)}"
    return placement
