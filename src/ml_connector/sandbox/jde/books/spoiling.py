"""What no program of the product does, for tests that need books gone wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.jde.books.accounts import BANK, find_key
from ml_connector.sandbox.jde.books.balances import apply_changes
from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER, DECIMALS, HALDEN_US
from ml_connector.sandbox.jde.books.keys import BatchKey
from ml_connector.sandbox.jde.books.patterns import CENTURY, julian
from ml_connector.sandbox.jde.books.posting import LedgerRow, change_of, load_rows, place_facts
from ml_connector.sandbox.jde.books.requests import parse_decimal
from ml_connector.sandbox.jde.books.rows import insert_sql
from ml_connector.sandbox.jde.books.stamps import stamp_at
from ml_connector.sandbox.jde.columns import Column, Kind
from ml_connector.sandbox.jde.raw import scale_up
from ml_connector.sandbox.jde.schema import TABLES
from ml_connector.sandbox.store import Store

_FREE_NUMBER = 990_001
_FREE_BATCH = 99_001
_ORDINARY_DAY = date(2026, 10, 1)


def add_row(store: Store, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The row stands in the table exactly as given, raw, with no rule applied; the row.

    In the account ledger what is left out comes from an ordinary posted row of October 2026 on
    the company's bank account, and `amount` may stand for the raw AA: a text with the decimals
    the row is to show. Where those are more than its currency has, the stored value is no whole
    number any more; the data service shows that of yen in full, of others it drops the rest.

    Raises:
        LookupError: There is no such table or column.
        ValueError: A text is too long, or no number where one is wanted.
    """
    if table not in TABLES:
        raise LookupError(f"There is no table {table!r}; known: {sorted(TABLES)}.")
    wanted = {**(_ordinary_row(values) if table == "F0911" else {}), **values}
    amount = wanted.pop("amount", None)
    columns = TABLES[table].by_alias
    unknown = sorted(set(wanted) - set(columns))
    if unknown:
        raise LookupError(f"Table {table} has no column {', '.join(unknown)}.")
    row = {alias: _raw(columns[alias], value) for alias, value in wanted.items()}
    if amount is not None:
        row["AA"] = _raw_amount(row, parse_decimal(amount))
    store.execute(insert_sql(table, row), tuple(row.values()))
    return row


def change_posted_amount(  # noqa: PLR0913 - what is to change and how openly, by name
    store: Store,
    batch: BatchKey,
    *,
    line: int = 1,
    against: int | None = None,
    by: Decimal,
    document: int | None = None,
    now: datetime,
    keeps_balances: bool = True,
    is_stamped: bool = False,
) -> dict[str, Any]:
    """A posted line has another base amount, and the line `against` takes the difference.

    Nothing else tells of it: UPMJ stays unless `is_stamped`. The balances follow unless
    `keeps_balances` is false. `against` None leaves the document out of balance.

    Raises:
        LookupError: There is no such posted line.
    """
    stamp = stamp_at(now, user="PRODUSER", program="R09801")
    with store.transaction():
        rows = _posted_lines(store, batch, document)
        changed: dict[str, Any] = {}
        for number, sign in ((line, 1), (against, -1)):
            if number is None:
                continue
            row = rows.get(number)
            if row is None:
                raise LookupError(f"Batch {batch} has no posted AA line {number}.")
            raw = sign * scale_up(by, COMPANIES_BY_NUMBER[row["CO"]].decimals)
            _set_amount(store, row, row["AA"] + raw)
            if is_stamped:
                _set_stamp(store, row, (stamp.day, stamp.time))
            if keeps_balances:
                apply_changes(store, [change_of(row, amount=raw)], stamp)
            changed[str(number)] = {"account_id": row["AID"], "before": row["AA"], "by": raw}
    return changed


def _ordinary_row(values: Mapping[str, Any]) -> dict[str, Any]:
    company = COMPANIES_BY_NUMBER.get(str(values.get("CO", "")), HALDEN_US)
    account = find_key(company.balance_unit, *BANK)
    return {
        **account._asdict(),
        **place_facts(company.number, _ORDINARY_DAY),
        "KCO": company.number,
        "DCT": "JE",
        "DOC": _FREE_NUMBER,
        "DGJ": julian(_ORDINARY_DAY),
        "JELN": 1,
        "LT": "AA",
        "POST": "P",
        "ICUT": "G",
        "ICU": _FREE_BATCH,
        "CTRY": CENTURY,
        "CRCD": company.currency,
        "USER": "CNCADMIN",
        "PID": "SQL",
        "UPMJ": julian(_ORDINARY_DAY),
        "UPMT": 80_000,
    }


def _posted_lines(store: Store, batch: BatchKey, document: int | None) -> dict[int, LedgerRow]:
    """Return the AA lines of one document of the batch: the named one, else its first."""
    rows = [
        row
        for row in load_rows(store, batch)
        if row["LT"] == "AA" and row["POST"] == "P" and row["DCT"] != "AE"
    ]
    if not rows:
        return {}
    number = document or rows[0]["DOC"]
    first = next((row for row in rows if row["DOC"] == number), rows[0])
    same = ("KCO", "DCT", "DOC", "DGJ")
    wanted = [first[alias] for alias in same]
    return {row["JELN"]: row for row in rows if [row[alias] for alias in same] == wanted}


def _set_amount(store: Store, row: LedgerRow, raw: int) -> None:
    store.execute(f"UPDATE F0911 SET AA = ? WHERE {_ROW}", (raw, *_place(row)))  # noqa: S608 - constant


def _set_stamp(store: Store, row: LedgerRow, stamp: tuple[int, int]) -> None:
    sql = f"UPDATE F0911 SET UPMJ = ?, UPMT = ? WHERE {_ROW}"  # noqa: S608 - constant
    store.execute(sql, (*stamp, *_place(row)))


_KEY = TABLES["F0911"].key
_ROW = " AND ".join(f"{alias} = ?" for alias in _KEY)


def _place(row: LedgerRow) -> tuple[Any, ...]:
    return tuple(row[alias] for alias in _KEY)


def _raw(column: Column, value: Any) -> str | int:
    if column.kind is Kind.TEXT:
        return column.raw_text(str(value))
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{column.alias} takes a raw whole number, not {value!r}.")  # noqa: TRY004 - the side door answers with ValueErrors
    return value


def _raw_amount(row: Mapping[str, Any], amount: Decimal) -> int | str:
    company = COMPANIES_BY_NUMBER.get(str(row.get("CO", "")))
    decimals = company.decimals if company else 2
    if row.get("LT") == "CA":
        decimals = DECIMALS.get(str(row.get("CRCD", "")), 2)
    scaled = amount.scaleb(decimals)
    whole = scaled == scaled.to_integral_value()
    return int(scaled) if whole else format(scaled, "f")
