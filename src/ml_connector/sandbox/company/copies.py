"""Journals made from journals: the reversal, and the copy in a secondary ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.company.model import Journal, JournalLine, Ledger
from ml_connector.sandbox.company.rates import find_rate

CHANGE_SIGN = "Change sign"
SWITCH_SIDES = "Switch debit or credit"


def reverse_journal(
    journal: Journal, *, period: str, effective_on: date, method: str = SWITCH_SIDES
) -> Journal:
    """Return the journal that takes `journal` back in `period`; it names the original."""
    turn = _change_sign if method == CHANGE_SIGN else _switch_sides
    return replace(
        journal,
        name=f'Reverses "{journal.name}"',
        period=period,
        effective_on=effective_on,
        lines=tuple(turn(line) for line in journal.lines),
        reverses=journal.name,
        reversed_by=None,
    )


def replicate_journal(journal: Journal, ledger: Ledger) -> Journal:
    """Return the copy of `journal` in a secondary ledger of another currency.

    Entered amounts stay; accounted ones are converted from the entered currency, and the last
    line takes what rounding left over.
    """
    rate = find_rate(journal.currency, ledger.currency, journal.effective_on)
    return account_journal(replace(journal, ledger=ledger, rate=rate))


def account_journal(journal: Journal) -> Journal:
    """Return `journal` with accounted amounts made from its entered ones at its rate."""
    lines = [_convert(line, journal.rate, journal.ledger.decimals) for line in journal.lines]
    is_balanced = sum(_entered_net(line) for line in journal.lines) == 0
    return replace(journal, lines=tuple(_rebalance(lines) if is_balanced else lines))


def line_net(line: JournalLine) -> Decimal:
    """Return debit minus credit in ledger currency."""
    return (line.accounted_dr or Decimal(0)) - (line.accounted_cr or Decimal(0))


def _entered_net(line: JournalLine) -> Decimal:
    return (line.entered_dr or Decimal(0)) - (line.entered_cr or Decimal(0))


def _switch_sides(line: JournalLine) -> JournalLine:
    return replace(
        line,
        entered_dr=line.entered_cr,
        entered_cr=line.entered_dr,
        accounted_dr=line.accounted_cr,
        accounted_cr=line.accounted_dr,
    )


def _change_sign(line: JournalLine) -> JournalLine:
    return replace(
        line,
        entered_dr=_negative(line.entered_dr),
        entered_cr=_negative(line.entered_cr),
        accounted_dr=_negative(line.accounted_dr),
        accounted_cr=_negative(line.accounted_cr),
    )


def _negative(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -amount


def _convert(line: JournalLine, rate: Decimal, decimals: int) -> JournalLine:
    step = Decimal(1).scaleb(-decimals)

    def converted(amount: Decimal | None) -> Decimal | None:
        if amount is None or rate == 1:
            return amount
        return (amount * rate).quantize(step, ROUND_HALF_UP)

    return replace(
        line,
        accounted_dr=converted(line.entered_dr),
        accounted_cr=converted(line.entered_cr),
    )


def _rebalance(lines: list[JournalLine]) -> list[JournalLine]:
    difference = sum((line_net(line) for line in lines), Decimal(0))
    last = lines[-1]
    if last.accounted_cr is not None:
        fixed = replace(last, accounted_cr=last.accounted_cr + difference)
    else:
        fixed = replace(last, accounted_dr=(last.accounted_dr or Decimal(0)) - difference)
    return [*lines[:-1], fixed]
