"""Lines of line files summed by everything a mapping may look at, exactly and in little memory."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from ml_connector.archive.columns import AMOUNT
from ml_connector.archive.line_files import Wanted, equals_all, read_line_batches
from ml_connector.domain.ledger import STATISTICAL, Totals
from ml_connector.domain.money import EXACT
from ml_connector.ports import LineSum, Measure

GROUPS_HELD_MAX = 32_768
"""Groups held while a file is read; at this many they are yielded and begun anew."""
_KEYS = (
    "ledger", "period", "accounting_date", "chart", "combination", "currency", "source", "category",
)  # fmt: skip
"""In the order of `LineSum`."""
_SUMMABLE_MAX = Decimal(10) ** 23
"""Below it a record batch's sum fits 38 digits at scale 9; Arrow's own sum wraps in silence."""

_Key = tuple[str, str, date, str, str, str, str, str]
_Sum = tuple[Decimal, Decimal, int]
_JOURNAL_KEYS = ("batch_id", "ledger", "period", "currency")
JournalPlace = tuple[str, str, str, str]
"""Batch, ledger, period and currency of a journal's lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SumScope:
    """Which lines are summed, in which amounts."""

    pairs: tuple[tuple[str, str], ...]
    """Ledger and period."""
    measure: Measure

    @property
    def wanted(self) -> list[Wanted]:
        """The values a line must have, pair by pair."""
        return [{"ledger": ledger, "period": period} for ledger, period in self.pairs]

    def source_of(self, name: str) -> str:
        """The file's column for `currency`, `debit` or `credit` of the measure."""
        return f"entered_{name}" if self.measure is Measure.ENTERED else name


def sum_line_file(file: BinaryIO, batch_ids: Sequence[str], scope: SumScope) -> Iterator[LineSum]:
    """Yield sums of the batches' actual lines in the scope; a group may come more than once."""
    ids = pa.array(sorted(set(batch_ids)), pa.string())
    held: dict[_Key, _Sum] = {}
    for batch in read_line_batches(file, wanted=scope.wanted, columns=_columns(scope)):
        for key, added in _group(_keep(batch, ids, scope.wanted), scope):
            held[key] = _add(held[key], added) if key in held else added
        if len(held) >= GROUPS_HELD_MAX:
            yield from _render_sums(held)
            held.clear()
    yield from _render_sums(held)


def sum_journal(file: BinaryIO, journal: str) -> list[tuple[JournalPlace, Totals]]:
    """The lines of a journal by batch, ledger, period and currency, ascending.

    A document may be given by its number alone, without what stands before its last hyphen.
    """
    held: dict[JournalPlace, _Sum] = {}
    columns = ["journal", *_JOURNAL_KEYS, "debit", "credit"]
    for batch in read_line_batches(file, wanted=[{}], columns=columns):
        name = batch["journal"]
        is_whole = pc.equal(name, pa.scalar(journal))
        its = batch.filter(pc.or_(is_whole, pc.ends_with(name, f"-{journal}")))
        keys = [its[one] for one in _JOURNAL_KEYS]
        for key, added in _rows(keys, its["debit"], its["credit"]):
            held[key] = _add(held[key], added) if key in held else added
    return [
        (key, Totals(debit=debit, credit=credit, lines=lines))
        for key, (debit, credit, lines) in sorted(held.items())
    ]


def _columns(scope: SumScope) -> list[str]:
    used = [
        "batch_id", "is_actual", "ledger", "period", "accounting_date", "chart", "combination",
        "source", "category", "entered_currency",
        *(scope.source_of(name) for name in ("currency", "debit", "credit")),
    ]  # fmt: skip
    return list(dict.fromkeys(used))


def _keep(batch: pa.RecordBatch, ids: Any, wanted: Sequence[Wanted]) -> pa.RecordBatch:
    is_wanted = functools.reduce(pc.or_, [equals_all(batch, one) for one in wanted])
    is_money = pc.not_equal(batch["entered_currency"], pa.scalar(STATISTICAL))
    is_ours = pc.is_in(batch["batch_id"], value_set=ids)
    masks = [is_wanted, batch["is_actual"], is_money, is_ours]
    return batch.filter(functools.reduce(pc.and_, masks))


def _group(batch: pa.RecordBatch, scope: SumScope) -> Iterator[tuple[_Key, _Sum]]:
    keys = [batch[scope.source_of(n) if n == "currency" else n] for n in _KEYS]
    debit, credit = batch[scope.source_of("debit")], batch[scope.source_of("credit")]
    if not (_is_summable(debit) and _is_summable(credit)):
        yield from _rows(keys, debit, credit)
        return
    table = pa.Table.from_arrays([*keys, debit, credit], names=[*_KEYS, "debit", "credit"])
    # One thread: the order of groups, and with it the order of yields, stays the same.
    grouped = table.group_by(list(_KEYS), use_threads=False).aggregate(
        [("debit", "sum"), ("credit", "sum"), ([], "count_all")]
    )
    sums = (grouped[name].to_pylist() for name in ("debit_sum", "credit_sum", "count_all"))
    names = (grouped[name].to_pylist() for name in _KEYS)
    yield from zip(zip(*names, strict=True), zip(*sums, strict=True), strict=True)


def _rows(keys: list[Any], debit: Any, credit: Any) -> Iterator[tuple[Any, _Sum]]:
    names = zip(*(column.to_pylist() for column in keys), strict=True)
    for key, one, other in zip(names, debit.to_pylist(), credit.to_pylist(), strict=True):
        yield key, (one, other, 1)


def _is_summable(column: Any) -> bool:
    limits: Any = pc.min_max(column).as_py()
    return limits["min"] is None or (
        limits["max"] < _SUMMABLE_MAX and limits["min"] > -_SUMMABLE_MAX
    )


def _add(one: _Sum, other: _Sum) -> _Sum:
    return EXACT.add(one[0], other[0]), EXACT.add(one[1], other[1]), one[2] + other[2]


def _render_sums(held: Mapping[_Key, _Sum]) -> Iterator[LineSum]:
    for key, (debit, credit, lines) in held.items():
        totals = Totals(debit=debit, credit=credit, lines=lines)
        yield LineSum(*key, totals)


assert AMOUNT.precision - AMOUNT.scale > _SUMMABLE_MAX.adjusted() + 5
