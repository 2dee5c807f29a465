"""The plan: what must change in the model so that it holds the summaries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from ml_connector.domain.money import ZERO
from ml_connector.domain.summaries import Summary, SummaryKey


class Change(StrEnum):
    """Why a cell is in the plan."""

    ADDED = "added"
    CHANGED = "changed"
    VANISHED = "vanished"


class PlannedCell(NamedTuple):
    """One cell to send: what the shadow holds and what it shall hold; vanished ones go to zero."""

    key: SummaryKey
    before: Decimal
    after: Decimal
    lines: int

    @property
    def change(self) -> Change:
        """Added when the shadow held nothing, vanished when nothing is left."""
        if self.before == ZERO:
            return Change.ADDED
        return Change.VANISHED if self.after == ZERO else Change.CHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTotals:
    """Counts and amounts of a plan, for guards and for people."""

    added: int = 0
    changed: int = 0
    vanished: int = 0
    unchanged: int = 0
    amount_before: Decimal = ZERO
    amount_after: Decimal = ZERO
    amount_moved: Decimal = ZERO

    @property
    def cells(self) -> int:
        """Cells that will be sent."""
        return self.added + self.changed + self.vanished


def plan_cells(
    summaries: Iterable[Summary], shadow: Iterable[tuple[SummaryKey, Decimal]]
) -> Iterator[PlannedCell]:
    """Yield summaries less shadow, in key order, unchanged cells included.

    Both inputs come in strictly ascending key order; nothing is held in memory.
    """
    held = iter(shadow)
    at = next(held, None)
    for summary in summaries:
        while at is not None and at[0] < summary.key:
            yield PlannedCell(at[0], at[1], ZERO, 0)
            at = next(held, None)
        before = ZERO
        if at is not None and at[0] == summary.key:
            before = at[1]
            at = next(held, None)
        yield PlannedCell(summary.key, before, summary.amount, summary.lines)
    while at is not None:
        yield PlannedCell(at[0], at[1], ZERO, 0)
        at = next(held, None)


def count_plan(totals: PlanTotals, cell: PlannedCell) -> PlanTotals:
    """The totals with one more cell counted."""
    same = cell.before == cell.after
    change = cell.change
    return PlanTotals(
        added=totals.added + (not same and change is Change.ADDED),
        changed=totals.changed + (not same and change is Change.CHANGED),
        vanished=totals.vanished + (not same and change is Change.VANISHED),
        unchanged=totals.unchanged + same,
        amount_before=totals.amount_before + cell.before,
        amount_after=totals.amount_after + cell.after,
        amount_moved=totals.amount_moved + abs(cell.after - cell.before),
    )
