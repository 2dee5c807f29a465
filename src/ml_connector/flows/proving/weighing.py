"""What the archived files of a planning period say of each ledger period in it."""

import hashlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector.domain.differences import DifferenceLog
from ml_connector.domain.ledger import CombinationKey, Totals
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.domain.streams import SortedStream, find_least_key
from ml_connector.domain.summaries import SUSPENSE, UNMAPPED, Placed, SummaryKey
from ml_connector.domain.tie_out_rows import TieOutBooks
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Pair
from ml_connector.flows.placing.summing import read_contributions
from ml_connector.flows.run import Findings
from ml_connector.ports import Json

ARCHIVED, REFUSED = "archived", "refused"
"""Ways of money that are no placements."""


@dataclass(slots=True, kw_only=True)
class Weighed:
    """What the files of one planning period say of each ledger period in it."""

    books: TieOutBooks
    digests: dict[Pair, "hashlib._Hash"] = field(default_factory=dict)
    short: set[Pair] = field(default_factory=set)
    """Pairs with lines that no rule maps."""
    refused: set[Pair] = field(default_factory=set)
    """Pairs with lines on an intersection that the model refused."""
    differing: set[Pair] = field(default_factory=set)
    """Pairs in which some hop has a difference."""
    debits: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """By currency and placement, and of what was refused: nets of whole ledgers come to nothing,
    so only debits say how much money went which way."""

    def add_debit(self, currency: str, name: str, amount: Decimal) -> None:
        """So much more money went that way."""
        self.debits[currency, name] = self.debits.get((currency, name), ZERO) + amount

    def digest(self, pair: Pair, *told: object) -> None:
        """The pair's content holds this as well."""
        digest = self.digests.get(pair)
        if digest is None:
            digest = self.digests[pair] = hashlib.sha256()
        digest.update("\x1f".join(map(str, told)).encode() + b"\x1e")


def weigh_member(
    bench: ActualsBench,
    found: Findings,
    member: str,
    *,
    refused: AbstractSet[SummaryKey],
    report: Json | None,
) -> Weighed:
    """What the files of a planning period say of each of its ledger periods."""
    weighed = Weighed(books=TieOutBooks(log=DifferenceLog()))
    sums = found.sums.get(member)
    _weigh_combinations(bench, found, member, weighed)
    differing = {tuple(row["key"]) for row in report["differences"]} if report else set()
    if report and found.proof[member]["differences"] > len(report["differences"]):
        # Not every difference is kept with its key, so any pair may have one.
        weighed.differing |= set(found.members[member])
    weighed.differing |= {(key[0], key[1]) for key in differing if len(key) > 1}
    if sums:
        for row in read_contributions(bench, sums["contributions"]):
            pair = (row.scope.ledger, row.scope.period)
            weighed.digest(pair, *row.key, row.scope.currency, row.sign, *_tell(row.totals))
            if row.key in refused:
                weighed.refused.add(pair)
                # Others of the same net would be other books.
                weighed.digest(pair, REFUSED)
                weighed.add_debit(row.scope.currency, REFUSED, row.totals.debit)
            if row.key in differing:
                weighed.differing.add(pair)
    weighed.differing &= set(found.members[member])
    return weighed


def _weigh_combinations(
    bench: ActualsBench, found: Findings, member: str, weighed: Weighed
) -> None:
    """ERP, archive and placement of each account combination, side by side."""
    erp, archived = (_chain_files(bench, found, member, kind) for kind in ("erp", "archived"))
    sums = found.sums.get(member)
    rows = bench.archive.read_totals(sums["placed"]) if sums else iter(())
    placed = (Placed(CombinationKey(*key[:4]), key[4], totals) for key, totals in rows)
    streams = (
        SortedStream(erp, name="ERP balances", key_of=lambda row: row[0]),
        SortedStream(archived, name="archived totals", key_of=lambda row: row[0]),
        SortedStream(placed, name="placed totals", key_of=lambda row: row.key),
    )
    while (at := find_least_key(*streams)) is not None:
        key = CombinationKey(*at)
        balance, total = streams[0].take_one(at), streams[1].take_one(at)
        places = streams[2].take_all(at, part_of=lambda row: (row.placement,))
        net = balance[1].net if balance else ZERO
        totals = total[1] if total else Totals()
        weighed.add_debit(key.currency, ARCHIVED, totals.debit)
        weighed.books.add_combination(key.scope, erp=net, archived=totals, placed=places)
        pair = (key.ledger, key.period)
        weighed.digest(pair, key.currency, key.combination, render_plain(net), *_tell(totals))
        for row in places:
            weighed.digest(pair, row.placement, *_tell(row.totals))
            weighed.add_debit(key.currency, row.placement, row.totals.debit)
            if row.placement in (UNMAPPED, SUSPENSE):
                weighed.short.add(pair)


def _chain_files(
    bench: ActualsBench, found: Findings, member: str, kind: str
) -> Iterator[tuple[CombinationKey, Totals]]:
    files = dict.fromkeys(found.controls[pair][kind] for pair in found.members[member])
    for file_hash in files:
        for key, totals in bench.archive.read_totals(file_hash):
            yield CombinationKey(*key), totals


def _tell(totals: Totals) -> tuple[str, str, int]:
    return render_plain(totals.debit), render_plain(totals.credit), totals.lines
