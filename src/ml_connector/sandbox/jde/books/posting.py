"""The post: automatic entries, reversals, balances, and the batch is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from ml_connector.sandbox.jde.books.balances import (
    BalanceKey,
    Change,
    apply_changes,
    balance_currency,
)
from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER
from ml_connector.sandbox.jde.books.documents import (
    AUTOMATIC,
    POSTING_PROGRAM,
    SUBLEDGER_OFFSETS,
    offset_account,
)
from ml_connector.sandbox.jde.books.journals import approve_batch, load_status
from ml_connector.sandbox.jde.books.keys import BatchKey
from ml_connector.sandbox.jde.books.lookups import find_ledger_type, load_account
from ml_connector.sandbox.jde.books.patterns import julian, place_of
from ml_connector.sandbox.jde.books.rows import LEDGER_COLUMNS, insert_ledger_rows
from ml_connector.sandbox.jde.books.stamps import Stamp, stamp_at
from ml_connector.sandbox.jde.julian import from_julian
from ml_connector.sandbox.store import Store

TouchesUpmj = bool | Literal["mixed"]
LedgerRow = dict[str, Any]
_POSTER = "PRODUSER"
_COLUMNS = ", ".join(f'"{name}"' for name in LEDGER_COLUMNS)
_EDIT_CODES_REFUSED = {"I": "inactive", "N": "non-posting"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostResult:
    """What the post did; with errors the batch stands at E and no row has changed."""

    batch: BatchKey
    rows_posted: int = 0
    rows_created: int = 0
    errors: tuple[str, ...] = ()

    @property
    def is_posted(self) -> bool:
        """Whether the batch is done."""
        return not self.errors


def post_batch(
    store: Store,
    batch: BatchKey,
    *,
    now: datetime,
    touches_upmj: TouchesUpmj,
    touches_header: bool = False,
) -> PostResult:
    """The batch is posted: rows P, automatic entries made, balances moved, header D.

    A pending batch is approved on the way. Rows that stood there before keep their UPMJ unless
    `touches_upmj`; with `mixed` those of uneven lines move.

    Raises:
        LookupError: There is no such batch.
        ValueError: It is posted already, in use or being posted, or holds no row.
    """
    with store.transaction():
        _verify_may_post(store, batch)
        rows = load_rows(store, batch)
        errors = tuple(_errors(store, batch, rows))
        if errors:
            store.execute("UPDATE F0011 SET IST = 'E' WHERE ICUT = ? AND ICU = ?", batch)
            return PostResult(batch=batch, errors=errors)
        stamp = stamp_at(now, user=_POSTER, program=POSTING_PROGRAM)
        created = [*_automatic_rows(store, rows, stamp), *_reversing_rows(rows, stamp)]
        insert_ledger_rows(store, (tuple(row.values()) for row in created))
        _mark_posted(store, batch, stamp, touches_upmj, touches_header=touches_header)
        apply_changes(store, (change_of(row) for row in (*rows, *created)), stamp)
    return PostResult(batch=batch, rows_posted=len(rows), rows_created=len(created))


def load_rows(store: Store, batch: BatchKey) -> list[LedgerRow]:
    """Return the rows of a batch, in the order of their documents and lines."""
    sql = (
        f"SELECT {_COLUMNS} FROM F0911 WHERE ICUT = ? AND ICU = ?"  # noqa: S608 - our own names
        " ORDER BY KCO, DCT, DOC, DGJ, JELN, LT"
    )
    return [dict(zip(LEDGER_COLUMNS, row, strict=True)) for row in store.query(sql, batch)]


def change_of(row: LedgerRow, *, amount: int | None = None) -> Change:
    """Return what a posted row does to the balances, or what this amount in it does."""
    key = BalanceKey(
        row["AID"], row["LT"], row["SBL"], row["SBLT"], balance_currency(row["LT"], row["CRCD"])
    )
    return Change(key, row["FY"], row["PN"], row["AA"] if amount is None else amount)


def _verify_may_post(store: Store, batch: BatchKey) -> None:
    status = load_status(store, batch)
    if status == "D":
        raise ValueError(f"Batch {batch} is posted already. Nothing was written.")
    if status in {"U", "P"}:
        raise ValueError(f"Batch {batch} is in use or posting (0068). Nothing was written.")
    if not store.query("SELECT 1 FROM F0911 WHERE ICUT = ? AND ICU = ? LIMIT 1", batch):
        raise ValueError(f"Batch {batch} holds no row. Nothing was written.")
    if status == "":
        approve_batch(store, batch)


def _errors(store: Store, batch: BatchKey, rows: list[LedgerRow]) -> Iterator[str]:
    for number in sorted({row["AID"] for row in rows}):
        account = load_account(store, number)
        if account.edit_code in _EDIT_CODES_REFUSED:
            yield f"Account {account.key.ANI} is {_EDIT_CODES_REFUSED[account.edit_code]}"
    if batch.type in SUBLEDGER_OFFSETS:
        return
    for (ledger_type, currency), total in sorted(_totals(rows).items()):
        facts = find_ledger_type(store, ledger_type)
        if facts is not None and facts.must_balance and total:
            yield f"Ledger {ledger_type} is out of balance by {total} of {currency}, unscaled"


def _totals(rows: list[LedgerRow]) -> dict[tuple[str, str], int]:
    """Return the sums that have to be zero.

    A document over several companies balances in its own currency alone: as AA where that is
    the company's, as CA where it is foreign.
    """
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        is_foreign = row["CRCD"] != row["BCRC"]
        if row["LT"] == "CA" or (row["LT"] == "AA" and not is_foreign):
            totals["AA", row["CRCD"]] += row["AA"]
        elif row["LT"] != "AA":
            totals[row["LT"], row["BCRC"]] += row["AA"]
    return totals


def _automatic_rows(store: Store, rows: list[LedgerRow], stamp: Stamp) -> Iterator[LedgerRow]:
    """Yield what makes each document balance in each of its companies."""
    lines: dict[tuple[str, int, int], int] = defaultdict(int)
    for own in _by_document_and_company(rows):
        lack = -sum(row["AA"] for row in own if row["LT"] == "AA")
        foreign = -sum(row["AA"] for row in own if row["LT"] == "CA")
        if not lack and not foreign:
            continue
        model = own[0]
        place = (model["KCO"], model["DOC"], model["DGJ"])
        lines[place] += 1
        wanted = offset_account(model["ICUT"], model["CO"]).AID
        account = load_account(store, wanted).key
        facts = {"DCT": AUTOMATIC, "JELN": lines[place], "EXTL": "", "EXR": "Automatic offset"}
        blank = {"U": 0, "UM": "", "SBL": "", "SBLT": "", "RE": "", "DSYJ": stamp.day}
        row = _stamped({**model, **account._asdict(), **facts, **blank}, stamp)
        yield {**row, "LT": "AA", "AA": lack}
        if any(one["LT"] == "CA" for one in own):
            yield {**row, "LT": "CA", "AA": foreign}


def _by_document_and_company(rows: list[LedgerRow]) -> Iterable[list[LedgerRow]]:
    grouped: dict[tuple[Any, ...], list[LedgerRow]] = defaultdict(list)
    for row in rows:
        if row["LT"] in {"AA", "CA"} and row["DCT"] != AUTOMATIC:
            key = (row["KCO"], row["DCT"], row["DOC"], row["DGJ"], row["CO"])
            grouped[key].append(row)
    return grouped.values()


def _reversing_rows(rows: list[LedgerRow], stamp: Stamp) -> Iterator[LedgerRow]:
    """Yield the opposite of what asks for it, on the first day of the next period."""
    for row in rows:
        if row["RE"] != "R":
            continue
        entered_for = from_julian(row["DGJ"])
        assert entered_for is not None, "a ledger row has a date"
        day = (entered_for.replace(day=1) + timedelta(days=32)).replace(day=1)
        opposite = {"AA": -row["AA"], "U": -row["U"], "RE": "", "DGJ": julian(day)}
        yield _stamped({**row, **opposite, **place_facts(row["CO"], day)}, stamp)


def place_facts(company: str, day: date) -> dict[str, int]:
    """Return fiscal year and period of a day in a company, as row columns."""
    year, period = place_of(COMPANIES_BY_NUMBER[company].pattern, day)
    return {"PN": period, "FY": year % 100}


def _stamped(row: LedgerRow, stamp: Stamp) -> LedgerRow:
    return {
        **row, "POST": "P", "USER": stamp.user, "TORG": stamp.user, "PID": stamp.program,
        "JOBN": "HALENT01", "UPMJ": stamp.day, "UPMT": stamp.time,
    }  # fmt: skip


def _mark_posted(
    store: Store,
    batch: BatchKey,
    stamp: Stamp,
    touches_upmj: TouchesUpmj,
    *,
    touches_header: bool,
) -> None:
    if touches_upmj:
        uneven = " AND JELN % 2 = 1" if touches_upmj == "mixed" else ""
        store.execute(
            'UPDATE F0911 SET UPMJ = ?, UPMT = ?, "USER" = ?, PID = ?'  # noqa: S608 - constant
            f" WHERE ICUT = ? AND ICU = ? AND POST = ''{uneven}",
            (stamp.day, stamp.time, stamp.user, stamp.program, *batch),
        )
    store.execute("UPDATE F0911 SET POST = 'P' WHERE ICUT = ? AND ICU = ?", batch)
    store.execute("UPDATE F0011 SET IST = 'D' WHERE ICUT = ? AND ICU = ?", batch)
    if touches_header:
        store.execute(
            "UPDATE F0011 SET UPMJ = ?, UPMT = ? WHERE ICUT = ? AND ICU = ?",
            (stamp.day, stamp.time, *batch),
        )
