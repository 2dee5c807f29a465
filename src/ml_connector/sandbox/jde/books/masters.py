"""Everything but the ledger: companies, calendars, accounts, codes, counters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from ml_connector.sandbox.jde.books.accounts import (
    ACCOUNTS,
    BANK,
    INTERCOMPANY,
    PAYABLES,
    PROFIT_AND_LOSS,
    RECEIVABLES,
    RETAINED_EARNINGS,
)
from ml_connector.sandbox.jde.books.codes import CODE_TYPES, LEDGER_TYPES
from ml_connector.sandbox.jde.books.companies import COMPANIES, CURRENCIES
from ml_connector.sandbox.jde.books.patterns import (
    CENTURY,
    PERIODS_ALL,
    FiscalYear,
    fiscal_years,
    julian,
    place_of,
)
from ml_connector.sandbox.jde.books.people import PEOPLE
from ml_connector.sandbox.jde.books.rows import insert_dicts
from ml_connector.sandbox.jde.books.units import UNITS
from ml_connector.sandbox.jde.raw import pad_key, pad_mcu
from ml_connector.sandbox.store import Store

_SETUP = {"USER": "CNCADMIN", "PID": "EP0000", "JOBN": "HALWEB01", "UPMT": 81_500}
_SETUP_DAY = julian(date(2024, 1, 15))
_CHANGED_DAY = julian(date(2025, 11, 4))
_CHANGED_ONE_IN = 9
_TODAY = date(2026, 11, 3)


def seed_masters(store: Store) -> None:
    """All tables but those of the ledger and the counters hold the company."""
    insert_dicts(store, "F0010", _companies())
    insert_dicts(store, "F0008", _periods())
    insert_dicts(store, "F0013", _currencies())
    insert_dicts(store, "F0012", _instructions())
    insert_dicts(store, "F0025", _ledger_types())
    insert_dicts(store, "F0004", _code_types())
    insert_dicts(store, "F0005", _codes())
    insert_dicts(store, "F0101", _addresses())
    insert_dicts(store, "F0006", _units())
    insert_dicts(store, "F0901", _accounts())


def _companies() -> Iterator[dict[str, Any]]:
    for company in COMPANIES:
        year, period = place_of(company.pattern, _TODAY)
        yield {
            "CO": company.number,
            "NAME": company.name,
            "DFYJ": julian(FiscalYear(pattern=company.pattern, year=year).first_day),
            "PNC": period,
            "DTPN": company.pattern,
            "ARPN": period,
            "APPN": period,
            "CRCD": company.currency,
            "CALD": "Y",
            **_stamp(),
        }


def _periods() -> Iterator[dict[str, Any]]:
    for year in fiscal_years():
        ends = {
            f"D{number:02}J": julian(year.last_day(number)) for number in range(1, PERIODS_ALL + 1)
        }
        yield {
            "DTPN": year.pattern,
            "DFYJ": julian(year.first_day),
            "FY": year.two_digits,
            "CTRY": CENTURY,
            **ends,
            **_stamp(),
        }


def _currencies() -> Iterator[dict[str, Any]]:
    for code, name, decimals in CURRENCIES:
        yield {"CRCD": code, "DL01": name, "CDEC": str(decimals), **_stamp()}


def _instructions() -> Iterator[dict[str, Any]]:
    """Automatic accounting: ranges of objects, and the accounts that balance."""
    for company in COMPANIES:
        unit = pad_mcu(company.balance_unit)
        items = (
            ("GLG4", unit, RETAINED_EARNINGS, "", "Retained Earnings"),
            ("GLG5", "", "1000", "", "Beginning of Assets"),
            ("GLG6", "", PROFIT_AND_LOSS[0], "", "Beginning of Revenue"),
            ("GLG12", "", PROFIT_AND_LOSS[1], "", "End of Profit and Loss"),
            ("PC", unit, PAYABLES, "", "Payables Trade"),
            ("RC", unit, RECEIVABLES, "", "Receivables Trade"),
            ("PB", unit, *BANK, "Payables Bank Account"),
            ("ICC", unit, INTERCOMPANY, "", "Intercompany Clearing"),
        )
        for item, mcu, object_, subsidiary, name in items:
            yield {
                "ITEM": item,
                "CO": company.number,
                "MCU": mcu,
                "OBJ": object_,
                "SUB": subsidiary,
                "DL01": name,
                **_stamp(),
            }


def _ledger_types() -> Iterator[dict[str, Any]]:
    for code, name, balance, no_journal, no_update, units in LEDGER_TYPES:
        yield {
            "LT": code,
            "DL01": name,
            "FLRB": balance,
            "FCJE": no_journal,
            "FDBU": no_update,
            "ULT": units,
            **_stamp(),
        }


def _code_types() -> Iterator[dict[str, Any]]:
    for code_type in CODE_TYPES:
        yield {
            "SY": code_type.system,
            "RT": code_type.type,
            "DL01": code_type.name,
            "CDL": code_type.length,
            **_stamp(),
        }


def _codes() -> Iterator[dict[str, Any]]:
    for code_type in CODE_TYPES:
        for key, name in code_type.values:
            yield {
                "SY": code_type.system,
                "RT": code_type.type,
                "KY": pad_key(key),
                "DL01": name,
                **_stamp(),
            }


def _addresses() -> Iterator[dict[str, Any]]:
    for person in PEOPLE:
        yield {
            "AN8": person.number,
            "ALKY": f"{person.kind}{person.number}",
            "ALPH": person.name,
            "AT1": person.kind,
            "MCU": pad_mcu("1"),
            **_stamp(person.number),
        }
    for unit in UNITS:
        yield {
            "AN8": unit.address,
            "ALKY": f"BU{unit.code}",
            "ALPH": unit.name,
            "AT1": "F",
            "MCU": pad_mcu(unit.code),
            **_stamp(unit.address),
        }


def _units() -> Iterator[dict[str, Any]]:
    for unit in UNITS:
        yield {
            "MCU": pad_mcu(unit.code),
            "STYL": unit.style,
            "DC": unit.name.upper().replace(" ", "")[:40],
            "LDM": "3" if unit.style == "BS" else "5",
            "CO": unit.company,
            "AN8": unit.address,
            "DL01": unit.name,
            "RP01": unit.region,
            "RP02": unit.division,
            **_stamp(unit.address),
        }


def _accounts() -> Iterator[dict[str, Any]]:
    for account in ACCOUNTS:
        key = account.key
        yield {
            "CO": key.CO,
            "AID": key.AID,
            "MCU": key.MCU,
            "OBJ": key.OBJ,
            "SUB": key.SUB,
            "DL01": account.description,
            "LDA": account.level,
            "PEC": account.edit_code,
            "CRCD": account.currency,
            "UM": account.unit_of_measure,
            "R001": account.codes[0],
            "R002": account.codes[1],
            **_stamp(int(key.AID)),
        }


def _stamp(serial: int = 0) -> dict[str, Any]:
    """Return the audit columns: set up long ago, some rows changed since."""
    changed = serial and serial % _CHANGED_ONE_IN == 0
    return {**_SETUP, "UPMJ": _CHANGED_DAY if changed else _SETUP_DAY}
