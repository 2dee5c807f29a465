"""Summaries: the sum of lines on one target intersection, and the sums on the way there."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ml_connector.domain.ledger import CombinationKey, Scope, Totals
from ml_connector.domain.money import ZERO

SummaryKey = tuple[str, ...]
"""Member codes in the order of the flow's dimensions, period and version included."""

MAPPED = "mapped"
SUSPENSE = "suspense"
UNMAPPED = "unmapped"
EXCLUDED_PREFIX = "excluded:"
"""The four placements of a line; the last is followed by the name of the exclusion."""


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
