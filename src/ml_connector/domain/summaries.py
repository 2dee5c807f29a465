"""Summaries: the sum of lines on one target intersection, and the sums on the way there."""

import heapq
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from ml_connector.domain.ledger import CombinationKey, Scope, Totals
from ml_connector.domain.money import ZERO

SummaryKey = tuple[str, ...]
"""Member codes in the order of the flow's dimensions, period and version included."""

MAPPED = "mapped"
SUSPENSE = "suspense"
UNMAPPED = "unmapped"
EXCLUDED_PREFIX = "excluded:"
"""The four placements of a line; the last is followed by the name of the exclusion."""

AnyKey = TypeVar("AnyKey", bound=tuple[object, ...])


class Summary(NamedTuple):
    """What one intersection shall hold, target sign, and how many lines made it."""

    key: SummaryKey
    amount: Decimal
    lines: int


class Placed(NamedTuple):
    """Where the lines of one combination went: mapped, suspense, unmapped or excluded by name."""

    key: CombinationKey
    placement: str
    totals: Totals


class Contribution(NamedTuple):
    """What one scope gave to one intersection, in ledger sign, and the sign it is taken with."""

    key: SummaryKey
    scope: Scope
    sign: int
    totals: Totals

    @property
    def amount(self) -> Decimal:
        """The net in the target's sign."""
        return sign_amount(self.totals.net, sign=self.sign)


def sign_amount(amount: Decimal, *, sign: int) -> Decimal:
    """The amount with a sign of 1 or -1 applied, or undone; zero has no sign."""
    return -amount if sign < 0 else amount


class RunningTotals(Generic[AnyKey]):
    """Totals by key; memory grows with distinct keys, never with lines.

    Spill when `len()` passes a limit: write `sorted_rows()` to a run, `clear()`, and join the runs
    with `merge_totals`. Not for use by several threads at once.
    """

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums: dict[AnyKey, tuple[Decimal, Decimal, int]] = {}

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, key: AnyKey, *, debit: Decimal, credit: Decimal, lines: int = 1) -> None:
        """The key holds these amounts and lines on top of what it held."""
        held = self._sums.get(key)
        if held is not None:
            debit, credit, lines = held[0] + debit, held[1] + credit, held[2] + lines
        self._sums[key] = (debit, credit, lines)

    def sorted_rows(self) -> Iterator[tuple[AnyKey, Totals]]:
        """Yield the totals in ascending key order."""
        for key in sorted(self._sums):
            debit, credit, lines = self._sums[key]
            yield key, Totals(debit=debit, credit=credit, lines=lines)

    def clear(self) -> None:
        """Nothing is held any more."""
        self._sums.clear()


def merge_totals(
    runs: Iterable[Iterable[tuple[AnyKey, Totals]]],
) -> Iterator[tuple[AnyKey, Totals]]:
    """Yield the totals of sorted runs in ascending key order, each key once.

    At most one row per run is held; sums are exact under the exact money context.
    """
    for key, rows in groupby(heapq.merge(*runs, key=itemgetter(0)), key=itemgetter(0)):
        totals = Totals()
        for _, more in rows:
            totals = totals + more
        yield key, totals


def sum_contributions(contributions: Iterable[Contribution]) -> Iterator[Summary]:
    """Yield the summaries of contributions that ascend by key, in key order.

    An intersection whose contributions cancel out stays, with amount zero and its lines.
    """
    for key, rows in groupby(contributions, key=itemgetter(0)):
        amount, lines = ZERO, 0
        for row in rows:
            amount += row.amount
            lines += row.totals.lines
        yield Summary(key, amount, lines)
