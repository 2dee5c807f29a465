"""Balances by ledger, combination, period and entered currency, moved when a batch posts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ml_connector.sandbox.company.model import Batch
from ml_connector.sandbox.fusion.amounts import render_amount
from ml_connector.sandbox.store import Store

BalanceKey = tuple[str, str, int, str]
"""Ledger, combination, order of the period, entered currency."""
Moves = dict[BalanceKey, tuple[Decimal, Decimal]]
"""Entered and accounted net, debit positive."""

_ZERO = Decimal(0)
_ROWS_HELD_MAX = 200_000


class BalanceWriter:
    """Gathers the moves of many batches and writes them out together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._moves: Moves = {}

    def gather(self, batch: Batch, *, sign: int = 1) -> None:
        """The moves of a posted batch of actuals are held, or written when many are."""
        if batch.status == "P" and batch.actual_flag == "A":
            add_moves(self._moves, batch, sign=sign)
        if len(self._moves) > _ROWS_HELD_MAX:
            self.write()

    def write(self) -> None:
        """What was gathered stands in the table; nothing is held any more."""
        rows = [self._merged(key, move) for key, move in self._moves.items()]
        self._store.execute_many("INSERT OR REPLACE INTO gl_balances VALUES (?,?,?,?,?,?)", rows)
        self._moves = {}

    def _merged(self, key: BalanceKey, move: tuple[Decimal, Decimal]) -> tuple[object, ...]:
        sql = (
            "SELECT entered, accounted FROM gl_balances"
            " WHERE ledger = ? AND combination = ? AND period_order = ? AND currency = ?"
        )
        before = self._store.query(sql, key) or [("0", "0")]
        entered, accounted = (Decimal(text) for text in before[0])
        return (*key, render_amount(entered + move[0]), render_amount(accounted + move[1]))


def add_moves(moves: Moves, batch: Batch, *, sign: int = 1) -> None:
    """`moves` also holds what each line of the batch moves."""
    for journal in batch.journals:
        order = journal.ledger.calendar.period(journal.period).order
        for line in journal.lines:
            key = (journal.ledger.name, line.combination, order, journal.currency)
            entered, accounted = moves.get(key, (_ZERO, _ZERO))
            moves[key] = (
                entered + sign * _net(line.entered_dr, line.entered_cr),
                accounted + sign * _net(line.accounted_dr, line.accounted_cr),
            )


def sum_moves(batches: Iterable[Batch]) -> Moves:
    """Return the moves of the batches together."""
    moves: Moves = {}
    for batch in batches:
        add_moves(moves, batch)
    return moves


def _net(debit: Decimal | None, credit: Decimal | None) -> Decimal:
    return (debit or _ZERO) - (credit or _ZERO)
