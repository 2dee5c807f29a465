"""Masters as they stand now, after whatever has been changed in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ml_connector.sandbox.jde.books.accounts import AccountKey
from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER
from ml_connector.sandbox.jde.julian import from_julian
from ml_connector.sandbox.jde.raw import pad_account_id, pad_mcu
from ml_connector.sandbox.store import Store

_ACCOUNT = "SELECT AID, CO, MCU, OBJ, SUB, PEC FROM F0901 WHERE "


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterAccount:
    """An account with its posting edit code."""

    key: AccountKey
    edit_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTypeFacts:
    """What the ledger type master says."""

    must_balance: bool
    refuses_journals: bool
    refuses_updates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentPeriod:
    """Where a company stands: its fiscal year's first day and its current period."""

    year_first: date
    number: int


def find_account(store: Store, *, typed: str = "", account_id: str = "") -> MasterAccount | None:
    """Return an account by its id or, without one, by BU.OBJ.SUB; None if there is none."""
    if account_id.strip():
        found = store.query(_ACCOUNT + "AID = ?", (pad_account_id(account_id),))
    else:
        unit, _, rest = typed.strip().partition(".")
        object_, _, subsidiary = rest.partition(".")
        where = "MCU = ? AND OBJ = ? AND SUB = ?"
        found = store.query(_ACCOUNT + where, (pad_mcu(unit), object_, subsidiary))
    if not found:
        return None
    number, company, unit, object_, subsidiary, edit_code = found[0]
    parts = (unit.strip(), object_, subsidiary)
    key = AccountKey(
        CO=company,
        ANI=".".join(part for part in parts if part),
        AM="2",
        AID=number,
        MCU=unit,
        OBJ=object_,
        SUB=subsidiary,
        HMCU=unit,
        BCRC=COMPANIES_BY_NUMBER[company].currency,
    )
    return MasterAccount(key=key, edit_code=edit_code)


def load_account(store: Store, account_id: str) -> MasterAccount:
    """Return the account of an id.

    Raises:
        LookupError: There is none.
    """
    account = find_account(store, account_id=account_id)
    if account is None:
        raise LookupError(f"There is no account {account_id!r}. Nothing was written.")
    return account


def find_ledger_type(store: Store, code: str) -> LedgerTypeFacts | None:
    """Return what is known of a ledger type, or None."""
    sql = "SELECT FLRB, FCJE, FDBU FROM F0025 WHERE LT = ?"
    found = store.query(sql, (code,)) if code.strip() else []
    if not found:
        return None
    balance, journals, updates = found[0]
    return LedgerTypeFacts(
        must_balance=balance == "Y",
        refuses_journals=journals == "Y",
        refuses_updates=updates == "Y",
    )


def load_current_period(store: Store, company: str) -> CurrentPeriod:
    """Return where a company stands.

    Raises:
        LookupError: There is no such company.
    """
    found = store.query("SELECT DFYJ, PNC FROM F0010 WHERE CO = ?", (company,))
    if not found or company not in COMPANIES_BY_NUMBER:
        raise LookupError(f"There is no company {company!r}. Nothing was written.")
    first = from_julian(found[0][0])
    assert first is not None, "a company has a fiscal year"
    return CurrentPeriod(year_first=first, number=int(found[0][1]))
