"""Journals that bring a ledger from what it holds to what was approved."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import ZERO
from ml_connector.errors import RefusedError


class UnbalancedJournalError(RefusedError):
    """A ledger that must balance was to be given a journal that does not."""

    code = "journals.unbalanced"


class JournalTooLongError(RefusedError):
    """A journal that must balance as a whole has more lines than one posting takes."""

    code = "journals.too-long"


class JournalLine(NamedTuple):
    """One line to be posted; debit positive, never zero."""

    account: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One posting's content: the lines of one ledger and period, in account order.

    `part` of `parts` tells the pieces of a long one apart; each is posted under a key of its own.
    """

    ledger: str
    period: str
    gl_date: date
    currency: str
    part: int
    parts: int
    lines: tuple[JournalLine, ...]

    @property
    def subject(self) -> str:
        """What the journal is called within its plan."""
        return f"{self.ledger} {self.period} {self.part}/{self.parts}"

    @property
    def totals(self) -> Totals:
        """Debits, credits and count of its lines."""
        return sum_lines(self.lines)


def sum_lines(lines: Iterable[JournalLine]) -> Totals:
    """Debits, credits and count of the lines."""
    debit, credit, count = ZERO, ZERO, 0
    for line in lines:
        debit, credit = debit + max(line.amount, ZERO), credit - min(line.amount, ZERO)
        count += 1
    return Totals(debit=debit, credit=credit, lines=count)


def find_moves(
    approved: Mapping[str, Decimal], held: Mapping[str, Decimal]
) -> Iterator[JournalLine]:
    """Yield what must be posted so that the ledger holds what was approved, in account order.

    Both are amounts by account of one ledger and period; an account that was approved before and
    is not any more is taken back to zero.
    """
    for account in sorted(set(approved) | set(held)):
        amount = approved.get(account, ZERO) - held.get(account, ZERO)
        if amount:
            yield JournalLine(account, amount)


def reverse_lines(lines: Iterable[JournalLine]) -> Iterator[JournalLine]:
    """Yield the lines that take these back."""
    return (JournalLine(line.account, -line.amount) for line in lines)


def reverse_journal(journal: Journal) -> Journal:
    """The exact counter-journal: same ledger, period and day, each line with the other sign."""
    return replace(journal, lines=tuple(reverse_lines(journal.lines)))


def subtract_journals(
    held: Mapping[str, Decimal], journals: Iterable[Journal]
) -> dict[str, Decimal]:
    """What is held by account besides these journals; an account that nets to nothing is left out.

    They are of one ledger and period, the one the amounts are of.
    """
    rest = dict(held)
    for line in (line for journal in journals for line in journal.lines):
        rest[line.account] = rest.get(line.account, ZERO) - line.amount
    return {account: amount for account, amount in rest.items() if amount}


def split_lines(
    lines: Sequence[JournalLine], *, lines_max: int, must_balance: bool, where: str
) -> list[tuple[JournalLine, ...]]:
    """The lines cut into postings of at most so many, order kept.

    Raises:
        UnbalancedJournalError: They must balance and do not.
        JournalTooLongError: They must balance and do not fit one posting: cut, none would.
    """
    if must_balance:
        _verify_balanced(lines, where)
        if len(lines) > lines_max:
            raise JournalTooLongError(
                f"The journal of {where} has {len(lines):,} lines; one posting takes {lines_max:,},"
                " and cut in pieces it would not balance.",
                written="Nothing was posted.",
                next_step="Raise `lines_max` of the flow if the orchestration takes as many, or"
                " approve fewer accounts at a time.",
                where=where,
            )
    return [tuple(lines[at : at + lines_max]) for at in range(0, len(lines), lines_max)]


def _verify_balanced(lines: Sequence[JournalLine], where: str) -> None:
    totals = sum_lines(lines)
    if totals.net:
        raise UnbalancedJournalError(
            f"The journal of {where} has debits of {totals.debit} and credits of {totals.credit};"
            " its ledger type takes balanced journals only.",
            written="Nothing was posted.",
            next_step="Complete the approved view by the accounts that balance it, or use a budget"
            " ledger type.",
            where=where,
        )
