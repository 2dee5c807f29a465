"""The close as tables: what is at stake, what is late, how every period stands."""

from collections.abc import Iterable, Sequence
from datetime import date

from ml_connector.domain.working_days import WorkingDays, count_working_days
from ml_connector.flows.answers.cockpit import BurnDown, Cell, Counts, Grid, Stake
from ml_connector.flows.answers.listing import Cell as Field
from ml_connector.flows.answers.listing import Link, Listing, Money, render_money
from ml_connector.ports.standings import ELSEWHERE

ELSEWHERE_WORDS = dict(zip(ELSEWHERE, ("several ledgers", "no ledger"), strict=True))
LATE_SHOWN = 25
"""Late periods of one table; the worst come first, and the title counts all."""


def list_stakes(stakes: Sequence[Stake]) -> Listing:
    """What is at stake by currency, without signs."""
    return Listing(
        columns=("Currency", "Unexplained", "Unmapped", "Refused", "Not sent", "Periods"),
        rows=[
            (
                one.currency, *(Money(amount=amount, currency=one.currency) for amount in (
                    one.unexplained, one.unmapped, one.refused, one.unsent)), one.periods,
            )
            for one in stakes
        ],
        empty="No period stands anywhere yet.",
    )  # fmt: skip


def list_grid(grid: Grid) -> Listing:
    """A row for each company, a column for each planning period: its state, what is at stake."""
    return Listing(
        columns=("Ledger", *grid.members),
        rows=[
            (name_ledger(ledger), *("; ".join(map(_tell_cell, its)) for _, its in columns))
            for ledger, columns in grid.rows
        ],
        empty="No run has looked at a period yet.",
    )


def name_ledger(ledger: str) -> str:
    """A ledger's name, or in words that it is no single one."""
    return ELSEWHERE_WORDS.get(ledger, ledger)


def _tell_cell(cell: Cell) -> str:
    stake = cell.stake
    amount = f" {render_money(stake)} {stake.currency}" if stake else ""
    return f"{cell.state.word}{amount}"


def list_late_cells(
    cells: Sequence[Cell], *, today: date, days: WorkingDays, most: int = LATE_SHOWN
) -> Listing:
    """Periods that have ended and do not tie out: what is at stake, and since when."""
    return Listing(
        columns=("Flow", "Ledger", "Period", "State", "At stake", "Working days late", "Last run"),
        rows=[
            (
                Link(text=cell.flow, kind="flow", key=cell.flow), cell.ledger, cell.period,
                cell.state, cell.stake,
                count_days_late(cell, today=today, days=days),
                Link(text=cell.standing.run_id, kind="run", key=cell.standing.run_id)
                if cell.standing else None,
            )
            for cell in cells[:most]
        ],
        empty="Nothing is late: every period that has ended ties out.",
    )  # fmt: skip


def count_days_late(cell: Cell, *, today: date, days: WorkingDays) -> int:
    """Working days since a period's end that does not tie out; 0 where nothing is late."""
    if not cell.is_open or cell.date_last is None or cell.date_last >= today:
        return 0
    return count_working_days(days, cell.date_last, today)


def list_standings(cells: Iterable[Cell]) -> Listing:
    """Every period of every company: the whole chain, and the bridge in each of its currencies."""
    rows = [row for cell in cells for row in _render(cell)]
    return Listing(
        columns=(
            "Flow", "Ledger", "Period", "Planning period", "Last day", "State", "At the ERP",
            "Read", "Mapped", "Loaded", "Tied out", "Signed off", "Currency", "Lines", "ERP net",
            "Debits", "Excluded", "Unmapped", "Suspense", "Refused", "Not sent", "Model",
            "Unexplained", "Last run", "At (UTC)",
        ),
        rows=rows,
        empty="No run has looked at a period yet.",
    )  # fmt: skip


def _render(cell: Cell) -> Iterable[Sequence[Field]]:
    head = (cell.flow, cell.ledger, cell.period, cell.member, str(cell.date_last or ""), cell.state)
    its = cell.standing
    if its is None or cell.signed is None:
        return [(*head, *("",) * 18, None)]
    chain = (its.status, *(str(state) for _, state in its.stages), str(cell.signed.signature))
    tail = (Link(text=its.run_id, kind="run", key=its.run_id), its.at)
    if not its.amounts:
        return [(*head, *chain, *("",) * 11, *tail)]
    return [
        (
            *head, *chain, row.currency, row.lines,
            *(Money(amount=amount, currency=row.currency) for amount in (
                row.erp, row.debit, row.excluded_total, row.unmapped, row.suspense, row.refused,
                row.unsent, row.held, row.unexplained)),
            *tail,
        )
        for row in its.amounts
    ]  # fmt: skip


def list_burn_down(burnt: BurnDown) -> Listing:
    """Periods left at the end of each working day, beside an even pace."""
    planned = dict(burnt.planned)
    return Listing(
        columns=("Working day", "Periods left", "Even pace"),
        rows=[(day, left, planned.get(day, 0)) for day, left in burnt.days],
    )


def tell_burn_down(burnt: BurnDown) -> str:
    """The burn-down in a sentence."""
    day, left = burnt.days[-1]
    done = burnt.total - left
    told = f"{done} of {burnt.total} periods tie out, {left} are left"
    return f"{burnt.month}, working day {day}: {told}."


def tell_counts(counts: Counts) -> str:
    """The four numbers in a sentence."""
    return (
        f"{counts.tied} of {counts.periods} periods tie out; {counts.late} are late,"
        f" {counts.differing} differ."
    )


def tell_stakes(stakes: Sequence[Stake]) -> str:
    """The unexplained in a sentence, by currency."""
    named = [one for one in stakes if one.unexplained]
    if not named:
        return "Nothing is unexplained."
    amounts = (Money(amount=one.unexplained, currency=one.currency) for one in named)
    return "; ".join(f"{render_money(one)} {one.currency}" for one in amounts) + " is unexplained."
