"""Differences between two ends of a hop, in words a controller understands."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import ZERO, count_decimals

DIFFERENCES_MAX = 1000
"""Differences kept with their keys; every one is counted and summed."""


class Hop(StrEnum):
    """A step of the way from the ERP to the model whose two ends must agree."""

    ERP = "ERP to archive"
    PLACED = "archive to mapping"
    SCOPE = "mapping to intersections, per ledger and period"
    CURRENCY = "one currency per intersection"
    SUMMED = "intersections to summaries"
    PLANNED = "summaries to plan"
    REFUSED = "plan to load"
    HELD = "load to model"


class Measure(StrEnum):
    """What is compared."""

    NET = "net"
    DEBIT = "debit"
    CREDIT = "credit"
    AMOUNT = "amount"
    BEFORE = "amount before"
    LINES = "lines"
    CELLS = "cells"
    CURRENCIES = "currencies"


MONEY_MEASURES = frozenset(
    {Measure.NET, Measure.DEBIT, Measure.CREDIT, Measure.AMOUNT, Measure.BEFORE}
)
"""Measures in a currency; the others are counts."""

HOP_WORDS: dict[Hop, tuple[str, str]] = {
    Hop.ERP: ("the ERP says", "the archive holds"),
    Hop.PLACED: ("the archive holds", "mapping, suspense, unmapped and exclusions hold"),
    Hop.SCOPE: ("mapping and suspense hold", "the intersections were given"),
    Hop.CURRENCY: ("an intersection takes", "its lines bring"),
    Hop.SUMMED: ("the lines of the intersection say", "the summary says"),
    Hop.PLANNED: ("summary less shadow says", "the plan says"),
    Hop.REFUSED: ("the plan sent", "the model refused"),
    Hop.HELD: ("shadow and accepted cells say", "the model holds"),
}
"""What to call the left and the right end of each hop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One comparison that failed; None is an end that has nothing for the key at all."""

    hop: Hop
    key: tuple[str, ...]
    measure: Measure
    currency: str
    left: Decimal | None
    right: Decimal | None

    @property
    def amount(self) -> Decimal:
        """Left less right; an end without anything counts as zero."""
        return (self.left or ZERO) - (self.right or ZERO)

    @property
    def sentence(self) -> str:
        """The difference as one line of a report."""
        left, right = HOP_WORDS[self.hop]
        key = " / ".join(self.key)
        return (
            f"{key}: {left} {self._render(self.left)}, {right} {self._render(self.right)}"
            f" ({self.measure}, {self.hop})."
        )

    def _render(self, value: Decimal | None) -> str:
        if value is None:
            return "nothing"
        unit = self.currency if self.measure in MONEY_MEASURES else self.measure
        return f"{value:,.{count_decimals(value)}f} {unit}"


class HopTotals(NamedTuple):
    """All differences of one hop and measure in one currency; counts have no currency."""

    hop: Hop
    measure: Measure
    currency: str
    differences: int
    amount: Decimal


@dataclass(slots=True, kw_only=True)
class DifferenceLog:
    """Counts and sums every difference; keeps the first ones with their keys."""

    differences_max: int = DIFFERENCES_MAX
    count: int = 0
    kept: list[Difference] = field(default_factory=list)
    _sums: dict[tuple[Hop, Measure, str], tuple[int, Decimal]] = field(default_factory=dict)

    def record(self, difference: Difference) -> None:
        """The difference is counted, summed by its absolute amount, and kept if there is room."""
        self.count += 1
        if len(self.kept) < self.differences_max:
            self.kept.append(difference)
        currency = difference.currency if difference.measure in MONEY_MEASURES else ""
        key = (difference.hop, difference.measure, currency)
        count, amount = self._sums.get(key, (0, ZERO))
        self._sums[key] = (count + 1, amount + abs(difference.amount))

    def render_totals(self) -> tuple[HopTotals, ...]:
        """The sums, in the order of the hops on the way."""
        hops, measures = list(Hop), list(Measure)
        ordered = sorted(
            self._sums.items(),
            key=lambda item: (hops.index(item[0][0]), measures.index(item[0][1]), item[0][2]),
        )
        return tuple(HopTotals(*key, *sums) for key, sums in ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a comparison happens; makes differences of what does not agree there."""

    log: DifferenceLog
    hop: Hop
    key: tuple[str, ...]
    currency: str

    def compare(self, measure: Measure, left: Decimal | int, right: Decimal | int) -> None:
        """A difference is recorded unless both ends are equal."""
        if left != right:
            self.note(measure, Decimal(left), Decimal(right))

    def compare_totals(self, left: Totals, right: Totals) -> None:
        """Debits, credits and lines are each compared."""
        self.compare(Measure.DEBIT, left.debit, right.debit)
        self.compare(Measure.CREDIT, left.credit, right.credit)
        self.compare(Measure.LINES, left.lines, right.lines)

    def note(self, measure: Measure, left: Decimal | None, right: Decimal | None) -> None:
        """A difference is recorded; None for an end that has nothing."""
        self.log.record(
            Difference(
                hop=self.hop,
                key=self.key,
                measure=measure,
                currency=self.currency,
                left=left,
                right=right,
            )
        )
