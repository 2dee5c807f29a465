"""The account master: the same plan of accounts under every business unit that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER
from ml_connector.sandbox.jde.books.units import UNITS, UnitFacts
from ml_connector.sandbox.jde.raw import pad_account_id, pad_mcu

_FIRST_ID = 4_501
_KNOWN_IDS = {("1", "1110", "BEAR"): 4_532, ("30", "8720", ""): 62_411}
"""Two accounts bear the numbers that the field descriptions use as their example."""
_GAP_EVERY = 17
PROFIT_AND_LOSS = ("4000", "8999")
RETAINED_EARNINGS = "3200"
INTERCOMPANY = "2190"
PAYABLES = "2110"
RECEIVABLES = "1210"
BANK = ("1110", "BEAR")

_PLAN = """
bal 1000      3 N ---  ASSETS
bal 1100      4 N CSH  Cash and Banks
bal 1110      6 - CSH  Cash in Bank
bal 1110.BEAR 7 - CSH  Bear Creek National Bank
bal 1110.HARB 7 - CSH  Harbor Trust Payroll Account
bal 1110.EURO 7 - CSH  Harbor Trust Euro Account
bal 1120      6 - CSH  Petty Cash
bal 1200      4 N REC  Receivables
bal 1210      6 - REC  Trade Accounts Receivable
bal 1215      6 - REC  Unbilled Receivables
bal 1225      6 L REC  Employee Advances
bal 1240      6 - REC  Recoverable Taxes
bal 1250      6 M REC  Allowance for Doubtful Debts
bal 1300      4 N INV  Inventories
bal 1310      6 - INV  Raw Materials
bal 1320      6 - INV  Work in Progress
bal 1330      6 - INV  Finished Goods
bal 1340      6 - PPD  Prepaid Expenses
bal 1341      6 I PPD  Prepaid Rent (before 2019)
bal 1500      4 N FIX  Property, Plant and Equipment
bal 1510      6 - FIX  Land and Buildings
bal 1520      6 - FIX  Machinery
bal 1530      6 - FIX  Vehicles
bal 1540      6 - FIX  Office Equipment
bal 1620      6 - DEP  Accumulated Depr. Machinery
bal 1640      6 - DEP  Accumulated Depr. Office Eq.
bal 1990      6 - MEM  Guarantees Received (Memo)
bal 2000      3 N ---  LIABILITIES
bal 2100      4 N PAY  Current Liabilities
bal 2110      6 - PAY  Trade Accounts Payable
bal 2120      6 - PAY  Received Not Vouchered
bal 2130      6 - ACR  Accrued Expenses
bal 2140      6 - ACR  Accrued Payroll
bal 2150      6 - TAX  Sales Tax Payable
bal 2190      6 - ICO  Intercompany Clearing
bal 2310      6 - LOA  Bank Loans, Long Term
bal 2990      6 - MEM  Guarantees, Contra (Memo)
bal 3000      3 N ---  EQUITY
bal 3110      6 - EQU  Common Stock
bal 3120      6 - EQU  Additional Paid-in Capital
bal 3200      6 - EQU  Retained Earnings
sal 4000      3 N ---  REVENUE
sal 4100      5 N REV  Sales of Goods
sal 4110      6 - REV  Pump Sales
sal 4110.OEM  7 - REV  Pump Sales to Builders
sal 4110.RETL 7 - REV  Pump Sales to Dealers
sal 4120      6 - REV  Spare Parts Sales
sal 4130      6 - REV  Service Revenue
sal 4180      6 - REV  Returns and Discounts
pla 5000      3 N ---  COST OF SALES
pla 5100      5 N COS  Direct Cost
pla 5110      6 - COS  Material Used
pla 5110.PIPE 7 - COS  Material Used, Pipe
pla 5110.CAST 7 - COS  Material Used, Castings
pla 5120      6 - COS  Direct Labor
pla 5130      6 - COS  Freight In
pla 5140      6 - COS  Subcontracted Work
pla 5150      6 M COS  Purchase Price Variance
pla 5180      6 - COS  Scrap and Rework
all 8000      3 N ---  OPERATING EXPENSES
all 8100      4 N PER  Personnel
all 8110      6 - PER  Salaries and Wages
all 8115      6 - PER  Bonuses
all 8120      6 - PER  Payroll Taxes
all 8125      6 - PER  Health Insurance
all 8200      4 N OFF  Office
all 8210      6 - OFF  Office Supplies
all 8220      6 - OFF  Postage and Courier
all 8300      4 N OCC  Occupancy
all 8310      6 - OCC  Rent
all 8320      6 - OCC  Electricity and Heating
all 8330      6 - OCC  Repairs and Maintenance
all 8400      4 N PRO  Professional Fees
all 8410      6 - PRO  Legal Fees
all 8420      6 - PRO  Audit Fees
all 8430      6 - PRO  Consulting Fees
sal 8510      6 - MKT  Advertising
sal 8520      6 - MKT  Trade Shows
all 8600      4 N OFF  Technology
all 8610      6 - OFF  Software Subscriptions
all 8620      6 - OFF  Telephone and Network
all 8630      6 I OFF  Telex and Fax
all 8700      5 N TRV  Travel and Entertainment
all 8720      6 - TRV  Travel Expense
sal 8720.DOM  7 - TRV  Travel Expense, Domestic
sal 8720.INTL 7 - TRV  Travel Expense, Abroad
sal 8720.INTL2 8 - TRV Travel Expense, Overseas Air
sal 8720.INTL3 9 - TRV Travel Expense, Overseas Hotel
all 8725      6 - TRV  Meals and Lodging
all 8730      6 - TRV  Training and Seminars
all 8810      6 - DPN  Depreciation, Machinery
all 8820      6 - DPN  Depreciation, Office Equipment
off 8910      6 - FIN  Bank Charges
off 8920      6 - FIN  Exchange Gains and Losses
all 8990      6 B CTG  Contingency (Plan Only)
all 9000      3 N ---  STATISTICS
all 9110      6 U STA  Headcount
all 9120      6 U STA  Floor Space
pla 9130      6 U STA  Machine Hours
"""
_ROLES = {
    "bal": {"balance"},
    "sal": {"sales"},
    "pla": {"plant"},
    "off": {"office"},
    "all": {"sales", "plant", "office"},
}
_UNITS_OF_MEASURE = {"9110": "EA", "9120": "SF", "9130": "HR"}
_WORDINGS = (
    ("Travel Expense", "Travel & Transport"),
    ("Office Supplies", "Supplies, Office"),
    ("Consulting Fees", "Consultants"),
    ("Repairs and Maintenance", "Repairs & Maint."),
    ("Software Subscriptions", "Software Subscr."),
    ("Meals and Lodging", "Meals & Lodging"),
)
_SECOND_CODES = {"1": "BAL", "2": "BAL", "3": "BAL", "4": "REV", "5": "VAR", "8": "FXD", "9": "STA"}


class AccountKey(NamedTuple):
    """What every ledger row repeats of its account."""

    CO: str
    ANI: str
    AM: str
    AID: str
    MCU: str
    OBJ: str
    SUB: str
    HMCU: str
    BCRC: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """One account of the master."""

    key: AccountKey
    description: str
    level: str
    edit_code: str
    codes: tuple[str, str]
    unit_of_measure: str = ""
    currency: str = ""

    @property
    def is_posting(self) -> bool:
        """Whether a seeded journal may use it."""
        return self.edit_code == ""


def account_key(unit: UnitFacts, number: str, object_: str, subsidiary: str) -> AccountKey:
    """Return the account as ledger rows show it; AID as given."""
    mcu = pad_mcu(unit.code)
    typed = ".".join(part for part in (unit.code, object_, subsidiary) if part)
    return AccountKey(
        CO=unit.company,
        ANI=typed,
        AM="2",
        AID=number,
        MCU=mcu,
        OBJ=object_,
        SUB=subsidiary,
        HMCU=mcu,
        BCRC=COMPANIES_BY_NUMBER[unit.company].currency,
    )


def _plan() -> Iterator[tuple[set[str], str, str, str, str, str, str]]:
    for line in _PLAN.strip().splitlines():
        role, name, level, edit_code, code, description = line.split(None, 5)
        object_, _, subsidiary = name.partition(".")
        yield (
            _ROLES[role],
            object_,
            subsidiary,
            level,
            edit_code.strip("-"),
            code.strip("-"),
            description.strip(),
        )


def _accounts() -> Iterator[AccountFacts]:
    number = _FIRST_ID - 1
    taken = set(_KNOWN_IDS.values())
    for unit in UNITS:
        for roles, object_, subsidiary, level, edit_code, code, description in _plan():
            if unit.role not in roles:
                continue
            number += 1
            while number in taken or number % _GAP_EVERY == 0:
                number += 1
            known = _KNOWN_IDS.get((unit.code, object_, subsidiary), number)
            account = AccountFacts(
                key=account_key(unit, pad_account_id(known), object_, subsidiary),
                description=_worded(unit, description),
                level=level,
                edit_code=edit_code,
                codes=(code, _SECOND_CODES[object_[0]]),
                unit_of_measure=_UNITS_OF_MEASURE.get(object_, ""),
            )
            yield replace(account, currency="EUR") if subsidiary == "EURO" else account


def _worded(unit: UnitFacts, description: str) -> str:
    """Return the description as the people of this business unit chose to write it."""
    if unit.role == "plant":
        for usual, own in _WORDINGS:
            if description.startswith(usual):
                return own + description.removeprefix(usual)
    if unit.code == "YARD" and description == "Rent":
        return "Rent, Yard Grounds"
    return description


ACCOUNTS: tuple[AccountFacts, ...] = tuple(_accounts())
ACCOUNTS_BY_NAME: dict[str, AccountFacts] = {account.key.ANI: account for account in ACCOUNTS}


def find_key(unit: str, object_: str, subsidiary: str = "") -> AccountKey:
    """Return the account of a business unit.

    Raises:
        KeyError: The business unit has no such account.
    """
    return ACCOUNTS_BY_NAME[".".join(part for part in (unit, object_, subsidiary) if part)].key
