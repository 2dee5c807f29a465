"""What else happens to books: deleting, redating, renaming, purging, uploading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ml_connector.sandbox.jde.books.balances import BalanceKey, set_periods
from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER
from ml_connector.sandbox.jde.books.journals import recount_header
from ml_connector.sandbox.jde.books.keys import BatchKey, DocumentKey, load_batch_of
from ml_connector.sandbox.jde.books.lookups import load_account
from ml_connector.sandbox.jde.books.patterns import CENTURY, FiscalYear, julian
from ml_connector.sandbox.jde.books.posting import place_facts
from ml_connector.sandbox.jde.books.stamps import stamp_at
from ml_connector.sandbox.jde.raw import pad_account_id, pad_mcu, scale_up
from ml_connector.sandbox.store import Store

ACTUAL_LEDGERS = frozenset({"AA", "AC", "CA", "XA", "YA", "ZA"})
"""Ledger types that the budget programs refuse."""
_ACCOUNTANT = "MKELLER"
_DOCUMENT = "DCT = ? AND DOC = ? AND KCO = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountName:
    """How an account is called: business unit, object, subsidiary, trimmed."""

    business_unit: str
    object: str
    subsidiary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An account before and after it was renamed; how many rows R09806 rewrote."""

    account_id: str
    before: AccountName
    after: AccountName
    ledger_rows: int


def delete_document(store: Store, document: DocumentKey) -> BatchKey:
    """The unposted document is gone without a trace, all its rows; its batch.

    Raises:
        LookupError: There is no such document.
        ValueError: It is posted; only a void or a reversal undoes it.
    """
    with store.transaction():
        batch = load_batch_of(store, document)
        _verify_unposted(store, document)
        store.execute(f"DELETE FROM F0911 WHERE {_DOCUMENT}", _place(document))  # noqa: S608 - constant
        recount_header(store, batch)
    return batch


def redate_document(store: Store, document: DocumentKey, day: date, *, now: datetime) -> None:
    """The unposted document has another G/L date: other keys, so other rows.

    Raises:
        LookupError: There is no such document.
        ValueError: It is posted.
    """
    stamp = stamp_at(now, user="", program="")
    with store.transaction():
        load_batch_of(store, document)
        _verify_unposted(store, document)
        where = f"{_DOCUMENT} AND CO = ?"
        sql = f"SELECT DISTINCT CO FROM F0911 WHERE {_DOCUMENT}"  # noqa: S608 - constant
        for (company,) in store.query(sql, _place(document)):
            facts = place_facts(company, day)
            store.execute(
                f"UPDATE F0911 SET DGJ = ?, PN = ?, FY = ?, UPMJ = ?, UPMT = ? WHERE {where}",  # noqa: S608 - constant
                (
                    julian(day),
                    facts["PN"],
                    facts["FY"],
                    stamp.day,
                    stamp.time,
                    *_place(document),
                    company,
                ),
            )


def rename_account(
    store: Store,
    account_id: str,
    *,
    business_unit: str | None = None,
    object: str | None = None,  # noqa: A002 - the field's name
    subsidiary: str | None = None,
    now: datetime,
) -> Renamed:
    """The account bears another name, in the master and on every row that repeats it.

    The master's audit columns move; those of the ledger and the balances do not, nor do the
    accounts as they were typed (ANI).

    Raises:
        LookupError: There is no such account or business unit.
        ValueError: Another account has that name, or the business unit is another company's.
    """
    with store.transaction():
        key = load_account(store, account_id).key
        before = AccountName(business_unit=key.MCU.strip(), object=key.OBJ, subsidiary=key.SUB)
        after = AccountName(
            business_unit=before.business_unit if business_unit is None else business_unit.strip(),
            object=before.object if object is None else object.strip(),
            subsidiary=before.subsidiary if subsidiary is None else subsidiary.strip(),
        )
        _verify_name(store, key.AID, key.CO, after)
        name = (pad_mcu(after.business_unit), after.object, after.subsidiary)
        stamp = stamp_at(now, user=_ACCOUNTANT, program="EP0901")
        store.execute(
            "UPDATE F0901 SET MCU = ?, OBJ = ?, SUB = ?, FMOD = '1', \"USER\" = ?,"
            " PID = ?, UPMJ = ?, UPMT = ? WHERE AID = ?",
            (*name, stamp.user, stamp.program, stamp.day, stamp.time, key.AID),
        )
        changed = 0
        for table in ("F0902", "F0911"):
            sql = f"UPDATE {table} SET MCU = ?, OBJ = ?, SUB = ? WHERE AID = ?"  # noqa: S608 - our own names
            changed = store.execute(sql, (*name, key.AID))
    return Renamed(account_id=key.AID, before=before, after=after, ledger_rows=changed)


def purge(store: Store, company: str, *, before: date) -> int:
    """The company's posted rows of days before this one are gone; balances stay. How many."""
    sql = "DELETE FROM F0911 WHERE CO = ? AND POST = 'P' AND DGJ < ?"
    return store.execute(sql, (company, julian(before)))


def year_after(company: str, year: int) -> date:
    """Return the day on which a company's next fiscal year begins; 24 and 2024 are the same.

    Raises:
        LookupError: There is no such company.
    """
    if company not in COMPANIES_BY_NUMBER:
        raise LookupError(f"There is no company {company!r}.")
    pattern = COMPANIES_BY_NUMBER[company].pattern
    return FiscalYear(pattern=pattern, year=2000 + year % 100 + 1).first_day


def upload_budget(  # noqa: PLR0913 - the key of a balance, by name
    store: Store,
    account_id: str,
    *,
    year: int,
    amounts: Mapping[int, Decimal],
    ledger_type: str = "BA",
    now: datetime,
    user: str = "PLNSVC",
) -> None:
    """The account's periods hold the amounts in the balances; the ledger has no row of it.

    Raises:
        LookupError: There is no such account.
        ValueError: The ledger type is one of actuals, the account takes no budget, or a period
            is none.
    """
    account = load_account(store, account_id)
    if ledger_type in ACTUAL_LEDGERS:
        raise ValueError(f"Ledger type {ledger_type} is no budget ledger. Nothing was written.")
    if account.edit_code in {"I", "M", "N"}:
        raise ValueError(
            f"Account {account.key.ANI} (edit code {account.edit_code}) takes no budget."
            " Nothing was written."
        )
    if not amounts or not set(amounts) <= set(range(1, 15)):
        raise ValueError(f"Periods are 1 to 14, not {sorted(amounts)}. Nothing was written.")
    decimals = COMPANIES_BY_NUMBER[account.key.CO].decimals
    raw = {period: scale_up(amount, decimals) for period, amount in amounts.items()}
    stamp = stamp_at(now, user=user, program="R14110")
    with store.transaction():
        key = BalanceKey(account.key.AID, ledger_type, "", "", "")
        set_periods(store, key, year % 100, raw, stamp)


def move_balance(
    store: Store,
    account_id: str,
    *,
    year: int,
    period: int,
    by: Decimal,
    ledger_type: str = "AA",
) -> None:
    """One balance differs by so much from what the ledger's rows add up to.

    Raises:
        LookupError: The account has no balance of that year and ledger type.
    """
    number = pad_account_id(account_id)
    decimals = COMPANIES_BY_NUMBER[load_account(store, number).key.CO].decimals
    column = f"AN{period:02d}"
    sql = (
        f"UPDATE F0902 SET {column} = {column} + ? WHERE rowid = (SELECT rowid FROM F0902"  # noqa: S608 - a checked number
        " WHERE AID = ? AND CTRY = ? AND FY = ? AND LT = ? ORDER BY SBL LIMIT 1)"
    )
    where = (number, CENTURY, year % 100, ledger_type)
    if not store.execute(sql, (scale_up(by, decimals), *where)):
        raise LookupError(f"Account {number} has no {ledger_type} balance of {year}.")


def _verify_unposted(store: Store, document: DocumentKey) -> None:
    sql = f"SELECT 1 FROM F0911 WHERE {_DOCUMENT} AND POST = 'P' LIMIT 1"  # noqa: S608 - constant
    if store.query(sql, _place(document)):
        raise ValueError(
            f"Document {document} is posted and stays; void or reverse it. Nothing was written."
        )


def _verify_name(store: Store, account_id: str, company: str, name: AccountName) -> None:
    found = store.query("SELECT CO FROM F0006 WHERE MCU = ?", (pad_mcu(name.business_unit),))
    if not found:
        raise LookupError(f"There is no business unit {name.business_unit!r}.")
    if found[0][0] != company:
        raise ValueError(
            f"Business unit {name.business_unit} is of company {found[0][0]}, not {company}."
            " Nothing was written."
        )
    taken = store.query(
        "SELECT AID FROM F0901 WHERE MCU = ? AND OBJ = ? AND SUB = ? AND AID <> ?",
        (pad_mcu(name.business_unit), name.object, name.subsidiary, account_id),
    )
    if taken:
        raise ValueError(f"Account {taken[0][0]} has that name already. Nothing was written.")


def _place(document: DocumentKey) -> tuple[str, int, str]:
    return document.type, document.number, document.company
