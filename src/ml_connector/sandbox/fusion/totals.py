"""Exact totals read from the lines themselves, for tests to compare with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.fusion.amounts import render_amount
from ml_connector.sandbox.store import Store

_BATCHES_AT_ONCE = 200
_AMOUNTS = ("entered_dr", "entered_cr", "accounted_dr", "accounted_cr")
_SQL = (
    "SELECT h.LedgerName, h.PeriodName, l.AccountCombination, h.CurrencyCode, l.EnteredDr,"
    " l.EnteredCr, l.AccountedDr, l.AccountedCr FROM je_batches b"
    " JOIN je_headers h ON h._parent = b._id JOIN je_lines l ON l._parent = h._id"
    " WHERE b._id > ? AND b._id <= ?"
)
_FILTERS = {
    "ledger": "h.LedgerName",
    "period": "h.PeriodName",
    "combination": "l.AccountCombination",
    "currency": "h.CurrencyCode",
}


def sum_lines(store: Store, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return totals by ledger, period, combination and entered currency.

    `ledger`, `period`, `combination` and `currency` narrow the lines; `status` (default P) and
    `actual_flag` (default A) choose the batches, None takes all. Amounts are texts.
    """
    sums: dict[tuple[str, ...], list[Any]] = {}
    for key, amounts in _lines(store, body):
        total = sums.setdefault(key, [0, *([Decimal(0)] * len(amounts))])
        total[0] += 1
        for index, text in enumerate(amounts, 1):
            if text is not None:
                total[index] += Decimal(text)
    return {"totals": [_render(key, total) for key, total in sorted(sums.items())]}


def _lines(
    store: Store, body: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], tuple[str | None, ...]]]:
    sql, bound = _SQL, []
    for name, column in _FILTERS.items():
        if body.get(name) is not None:
            sql += f" AND {column} = ?"
            bound.append(body[name])
    for name, column, default in (
        ("status", "b.Status", "P"),
        ("actual_flag", "b.ActualFlag", "A"),
    ):
        if body.get(name, default) is not None:
            sql += f" AND {column} = ?"
            bound.append(body.get(name, default))
    for first, last in _ranges(store):
        for row in store.query(sql, (first, last, *bound)):
            yield row[:4], row[4:]


def _ranges(store: Store) -> Iterator[tuple[int, int]]:
    ids = [row[0] for row in store.query("SELECT _id FROM je_batches ORDER BY _id")]
    for start in range(0, len(ids), _BATCHES_AT_ONCE):
        part = ids[start : start + _BATCHES_AT_ONCE]
        yield part[0] - 1, part[-1]


def _render(key: tuple[str, ...], total: list[Any]) -> dict[str, Any]:
    names = ("ledger", "period", "combination", "currency")
    amounts = {
        name: render_amount(amount) for name, amount in zip(_AMOUNTS, total[1:], strict=True)
    }
    return {**dict(zip(names, key, strict=True)), "lines": total[0], **amounts}
