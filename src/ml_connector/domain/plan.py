"""The plan: what must change in the model so that it holds the summaries."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

from ml_connector.domain.money import ZERO
from ml_connector.domain.streams import SortedStream, find_least_key
from ml_connector.domain.summaries import Summary, SummaryKey
from ml_connector.errors import BlockedError


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
    """Counts and amounts of a plan in one currency, for guards and for people.

    `lines` counts the lines behind the summaries; none means that the source was empty.
    """

    added: int = 0
    changed: int = 0
    vanished: int = 0
    unchanged: int = 0
    amount_before: Decimal = ZERO
    amount_after: Decimal = ZERO
    amount_moved: Decimal = ZERO
    lines: int = 0

    @property
    def cells(self) -> int:
        """Cells that will be sent."""
        return self.added + self.changed + self.vanished

    @property
    def cells_held(self) -> int:
        """Cells the model holds already."""
        return self.changed + self.vanished + self.unchanged


def plan_cells(
    summaries: Iterable[Summary], shadow: Iterable[tuple[SummaryKey, Decimal]]
) -> Iterator[PlannedCell]:
    """Yield summaries less shadow, in key order, unchanged cells included.

    Both inputs come in strictly ascending key order; nothing is held in memory.

    Raises:
        OutOfOrderError: An input repeats a key or goes back; the plan must not be used.
    """
    summed = SortedStream(summaries, name="summaries", key_of=itemgetter(0))
    held = SortedStream(shadow, name="shadow", key_of=itemgetter(0))
    while (key := find_least_key(summed, held)) is not None:
        summary = summed.take_one(key) or Summary(key, ZERO, 0)
        row = held.take_one(key)
        yield PlannedCell(key, row[1] if row else ZERO, summary.amount, summary.lines)


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
        lines=totals.lines + cell.lines,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGuards:
    """What a plan may do without a person looking; None leaves a guard off.

    Attributes:
        cells_max: Cells that may be sent.
        cells_ratio_max: Share of all cells that may be sent, as 0.25; off for a first load.
        amount_moved_max: Amount that may move, in each currency by itself.
        vanished_ratio_max: Share of the held cells that may go to zero.
        empty_source_blocks: Whether a period without any line may not empty the model.
    """

    cells_max: int | None = None
    cells_ratio_max: Decimal | None = None
    amount_moved_max: Decimal | None = None
    vanished_ratio_max: Decimal | None = None
    empty_source_blocks: bool = True


class PlanGuardError(BlockedError):
    """Guards of the flow stopped a plan; the text names every one that was tripped."""

    code = "plan.guard"

    def __init__(self, tripped: Iterable[str]) -> None:
        self.tripped = tuple(tripped)
        listed = "\n".join(f"  {text}." for text in self.tripped)
        super().__init__(
            f"The plan was stopped by {len(self.tripped)} guard(s):\n{listed}\n",
            written="Nothing was sent to the model.",
            next_step="Look at the plan: `ml-connector plan FLOW --out FILE`; when it is right,"
            " `ml-connector apply FILE` loads exactly it; or change the guards of the flow.",
            guards=len(self.tripped),
        )


def verify_plan(
    totals: Mapping[str, PlanTotals],
    *,
    guards: PlanGuards,
    periods: Mapping[str, Mapping[str, PlanTotals]] | None = None,
) -> None:
    """The plan trips no guard.

    Args:
        totals: The totals of the plan by currency; amounts of two currencies are never added.
        guards: What the flow allows.
        periods: The same by planning period: one that has become empty must not hide among others.

    Raises:
        PlanGuardError: With every guard that was tripped, in counts and amounts.
    """
    tripped = [
        *(_find_emptied(periods or {"the source": totals}) if guards.empty_source_blocks else ()),
        *_find_count_guards(totals, guards),
        *_find_amount_guards(totals, guards),
    ]
    if tripped:
        raise PlanGuardError(tripped)


def _find_emptied(periods: Mapping[str, Mapping[str, PlanTotals]]) -> Iterator[str]:
    for name, totals in periods.items():
        vanished = sum(part.vanished for part in totals.values())
        if vanished and not any(part.lines for part in totals.values()):
            yield (
                f"{name} holds no lines, and {vanished:,} cells would go to zero; the ERP shows"
                " nothing also to a user who has lost his rights"
            )


def _find_count_guards(totals: Mapping[str, PlanTotals], guards: PlanGuards) -> Iterator[str]:
    parts = totals.values()
    cells = sum(part.cells for part in parts)
    held = sum(part.cells_held for part in parts)
    vanished = sum(part.vanished for part in parts)
    total = cells + sum(part.unchanged for part in parts)
    if guards.cells_max is not None and cells > guards.cells_max:
        yield f"{cells:,} cells would be sent, cells_max allows {guards.cells_max:,}"
    ratio = guards.cells_ratio_max
    if ratio is not None and held and cells > ratio * total:
        yield f"{cells:,} of {total:,} cells would be sent, cells_ratio_max allows {ratio:%}"
    ratio = guards.vanished_ratio_max
    if ratio is not None and vanished > ratio * held:
        yield (
            f"{vanished:,} of {held:,} held cells would go to zero, vanished_ratio_max allows"
            f" {ratio:%}"
        )


def _find_amount_guards(totals: Mapping[str, PlanTotals], guards: PlanGuards) -> Iterator[str]:
    most = guards.amount_moved_max
    for currency, part in sorted(totals.items()):
        if most is not None and part.amount_moved > most:
            yield (
                f"{part.amount_moved:,f} {currency} would move, amount_moved_max allows"
                f" {most:,f} {currency}"
            )
