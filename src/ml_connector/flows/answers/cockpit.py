"""The close at a glance: every company and period of every flow, what is late, what is at stake."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property

from ml_connector.domain.money import ZERO, exact_money
from ml_connector.domain.working_days import WorkingDays, count_working_days, find_working_day
from ml_connector.flows.answers.listing import Money, State, Tone
from ml_connector.flows.answers.reconciliation import Signature, SignedStanding
from ml_connector.ports.standings import (
    ELSEWHERE,
    StageState,
    Standing,
    StandingAmounts,
    StandingChange,
)

STAGE_TONES = {
    StageState.DONE: Tone.GOOD,
    StageState.PARTLY: Tone.WAITS,
    StageState.MOVING: Tone.BUSY,
    StageState.WRONG: Tone.WRONG,
    StageState.NOT_YET: Tone.IDLE,
}
STAKES = ("unexplained", "unmapped", "refused", "unsent")
"""What is at stake, the worst first."""
WORST = (Tone.WRONG, Tone.BUSY, Tone.WAITS, Tone.IDLE, Tone.GOOD)
CLOSE_DAYS = 5
"""Working days after its end within which a period is closed, at an even pace."""
DAYS_SHOWN_MAX = 15
"""Working days of a burn-down."""
NOT_READ = State(word="not read", tone=Tone.IDLE)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A period of a company in a flow: where its chain stands, and what is at stake."""

    flow: str
    ledger: str
    period: str
    member: str
    date_last: date | None
    signed: SignedStanding | None
    """None: no run has looked at it yet."""

    @cached_property
    def standing(self) -> Standing | None:
        """The standing without its signature."""
        return self.signed.standing if self.signed else None

    @cached_property
    def state(self) -> State:
        """The one word for it; counts, order and grid all ask for it."""
        return tell_state(self.signed) if self.signed else NOT_READ

    @cached_property
    def chain(self) -> list[tuple[str, State]]:
        """Every stage with its state, in order."""
        return list(list_chain(self.signed)) if self.signed else [("read", NOT_READ)]

    @property
    def stake(self) -> Money | None:
        """The amount that asks for somebody, the worst kind first; None where there is none."""
        return find_stake(self.standing.amounts) if self.standing else None

    @cached_property
    def is_open(self) -> bool:
        """Whether something has to be done or waited for yet."""
        return self.standing is None or not self.standing.is_tied


def tell_state(signed: SignedStanding) -> State:
    """The state of the whole chain in a word: the worst that is true of it.

    Who signs a period stands for what is unmapped or refused by name, so a signature comes first.
    """
    its, signature = signed.standing, signed.signature
    words = (
        (StageState.WRONG in (its.read, its.tied), "differs", Tone.WRONG),
        (StageState.MOVING in (its.read, its.tied), "books moving", Tone.BUSY),
        (signature is Signature.HOLDS, "signed off", Tone.GOOD),
        (its.mapped is StageState.PARTLY, "unmapped", Tone.WAITS),
        (its.loaded is StageState.PARTLY, "refused", Tone.WAITS),
        (its.is_owed, "owed", Tone.WAITS),
        (its.tied is not StageState.DONE, "not sent", Tone.WAITS),
        (signature is Signature.VOID, "changed since signed", Tone.WAITS),
        (True, "tied out", Tone.GOOD),
    )
    return next(State(word=word, tone=tone) for holds, word, tone in words if holds)


def list_chain(signed: SignedStanding) -> Iterator[tuple[str, State]]:
    """Yield every stage with its state: period at the ERP, read, mapped, loaded, tied, signed."""
    its = signed.standing
    if its.ledger not in ELSEWHERE:
        tone = Tone.GOOD if its.status else Tone.IDLE
        yield "period", State(word=its.status or "not asked", tone=tone)
    for name, state in its.stages:
        is_late = name == "loaded" and its.is_owed and state is StageState.DONE
        yield (
            name,
            State(word="owed", tone=Tone.WAITS) if is_late
            else State(word=str(state), tone=STAGE_TONES[state]),
        )  # fmt: skip
    tone = {Signature.HOLDS: Tone.GOOD, Signature.VOID: Tone.WAITS}.get(signed.signature, Tone.IDLE)
    yield "signed off", State(word=str(signed.signature), tone=tone)


def find_stake(amounts: Iterable[StandingAmounts]) -> Money | None:
    """The first amount that is not nought: unexplained, then unmapped, refused, not sent."""
    rows = list(amounts)
    for name in STAKES:
        for row in rows:
            if amount := getattr(row, name):
                return Money(amount=amount, currency=row.currency)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """What is at stake in one currency; differences of two companies never cancel each other."""

    currency: str
    unexplained: Decimal
    unmapped: Decimal
    refused: Decimal
    unsent: Decimal
    periods: int
    """Periods with any of them."""


def sum_stakes(standings: Iterable[Standing]) -> list[Stake]:
    """What is at stake by currency, the most unexplained first."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(STAKES, ZERO))
    periods: dict[str, int] = defaultdict(int)
    with exact_money():
        for its in standings:
            for row in its.amounts:
                its_sums = sums[row.currency]
                found = [(name, amount) for name in STAKES if (amount := getattr(row, name))]
                for name, amount in found:
                    its_sums[name] += abs(amount)
                periods[row.currency] += bool(found)
    stakes = [
        Stake(currency=currency, periods=periods[currency], **its) for currency, its in sums.items()
    ]
    return sorted(stakes, key=lambda one: (-one.unexplained, one.currency))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One flow: a row for each company, a column for each planning period."""

    flow: str
    kind: str
    members: tuple[str, ...]
    ledgers: tuple[str, ...]
    cells: Mapping[tuple[str, str], tuple[Cell, ...]]
    """By ledger and planning period; two where an adjustment period is folded in."""

    @property
    def rows(self) -> list[tuple[str, list[tuple[str, tuple[Cell, ...]]]]]:
        """Each company with its cells, by planning period."""
        return [
            (ledger, [(member, self.cells.get((ledger, member), ())) for member in self.members])
            for ledger in self.ledgers
        ]

    @property
    def tied(self) -> tuple[int, int]:
        """Periods that tie out, of all shown."""
        shown = [cell for its in self.cells.values() for cell in its]
        return sum(not cell.is_open for cell in shown), len(shown)


def make_grids(cells: Iterable[Cell], kinds: Mapping[str, str], *, columns_max: int) -> list[Grid]:
    """A grid for each flow that has cells: its planning periods, the newest first."""
    of_flow: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        of_flow[cell.flow].append(cell)
    return [_make_grid(flow, kinds.get(flow, ""), of_flow[flow], columns_max=columns_max)
            for flow in sorted(of_flow)]  # fmt: skip


def _make_grid(flow: str, kind: str, cells: Sequence[Cell], *, columns_max: int) -> Grid:
    ends: dict[str, date] = {}
    for cell in cells:
        end = cell.date_last or date.min
        ends[cell.member] = max(ends.get(cell.member, date.min), end)
    members = sorted(ends, key=lambda member: (ends[member], member), reverse=True)[:columns_max]
    placed: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.member in members:
            placed[cell.ledger, cell.member].append(cell)
    # What is of no single ledger stands last.
    ledgers = sorted({ledger for ledger, _ in placed}, key=lambda name: (name in ELSEWHERE, name))
    return Grid(
        flow=flow, kind=kind, members=tuple(members), ledgers=tuple(ledgers),
        cells={place: tuple(its) for place, its in placed.items()},
    )  # fmt: skip


def list_late(cells: Iterable[Cell], today: date) -> list[Cell]:
    """Cells of periods that have ended and do not tie out yet: the worst first, then the oldest."""
    late = [
        cell for cell in cells
        if cell.is_open and cell.date_last is not None and cell.date_last < today
    ]  # fmt: skip
    return sorted(
        late,
        key=lambda cell: (WORST.index(cell.state.tone), cell.date_last, cell.flow, cell.ledger),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Periods of the close: all, those that tie out, those that are late, those that differ."""

    periods: int
    tied: int
    late: int
    differing: int


def count_cells(cells: Sequence[Cell], today: date) -> Counts:
    """The close in four numbers."""
    return Counts(
        periods=len(cells), tied=sum(not cell.is_open for cell in cells),
        late=len(list_late(cells, today)),
        differing=sum(cell.state.tone is Tone.WRONG for cell in cells),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnDown:
    """Periods of a closing month that were left at the end of each working day."""

    month: str
    total: int
    days: tuple[tuple[str, int], ...]
    planned: tuple[tuple[str, int], ...]
    """An even pace to the day a close takes."""


def find_closing_month(cells: Iterable[Cell], today: date) -> str:
    """The newest month that has ended and holds a cell; empty when none has."""
    months = [
        name_month(cell.date_last) for cell in cells if cell.date_last and cell.date_last < today
    ]
    return max(months, default="")


def list_closing(cells: Iterable[Cell], month: str) -> list[Cell]:
    """The cells of companies whose periods end in the month."""
    return [
        cell for cell in cells
        if cell.date_last and name_month(cell.date_last) == month and cell.ledger not in ELSEWHERE
    ]  # fmt: skip


def name_month(day: date) -> str:
    """The month of a day as `2026-10`; thousands of days are asked for a page."""
    return day.isoformat()[:7]


def burn_down(
    cells: Sequence[Cell],
    changes: Iterable[StandingChange],
    *,
    month: str,
    days: WorkingDays,
    now: datetime,
) -> BurnDown | None:
    """What was left of a month at the end of each working day since; None before the first one.

    Days end at midnight UTC. What is owed now counts as left today, whatever was proved before.
    """
    ends = [cell.date_last for cell in cells if cell.date_last]
    if not ends:
        return None
    end, today = max(ends), now.astimezone(UTC).date()
    past: dict[tuple[str, str, str], list[StandingChange]] = defaultdict(list)
    for change in changes:
        past[change.flow, change.ledger, change.period].append(change)
    gone = max(count_working_days(days, end, today), 0)
    shown = []
    for number in range(1, min(gone, DAYS_SHOWN_MAX) + 1):
        day = find_working_day(days, end, number)
        assert day is not None, "a working day that has come is found"
        end_of_day = datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
        left = sum(
            cell.is_open if number == gone else _is_left(cell, past, end_of_day) for cell in cells
        )
        shown.append((f"+{number}", left))
    if not shown:
        return None
    if gone > len(shown):
        shown.append(("today", sum(cell.is_open for cell in cells)))
    return BurnDown(
        month=month, total=len(cells), days=tuple(shown),
        planned=tuple(_plan_evenly(len(cells), [day for day, _ in shown])),
    )  # fmt: skip


def _plan_evenly(total: int, shown: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield what an even pace would leave, at least to the day a close takes."""
    labels = [*shown, *(f"+{number}" for number in range(len(shown) + 1, CLOSE_DAYS + 1))]
    for number, label in enumerate(labels, start=1):
        yield label, max(total - total * number // CLOSE_DAYS, 0)


def _is_left(
    cell: Cell,
    past: Mapping[tuple[str, str, str], Sequence[StandingChange]],
    end: datetime,
) -> bool:
    before = [one for one in past.get((cell.flow, cell.ledger, cell.period), ()) if one.at < end]
    return not (before and before[-1].is_tied)
