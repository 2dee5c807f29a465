"""The everyday kinds of documents: who enters them, what they debit and credit, how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ml_connector.sandbox.jde.books.accounts import AccountKey, find_key
from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER
from ml_connector.sandbox.jde.books.units import units_of

_ANYWHERE = ("sales", "plant", "office")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Accounts to draw from: objects (with their subsidiary) in business units of some roles."""

    roles: tuple[str, ...]
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of document.

    `cents` is the span of a line in US cents. Sub-ledger kinds have one side only: the other
    comes with the post. `sign` is that of the side that is drawn first.
    """

    name: str
    batch_type: str
    document_type: str
    program: str
    weight: int
    lines_max: int
    cents: tuple[int, int]
    first: Pool
    second: Pool | None
    sign: int = 1
    people: str = ""
    can_be_foreign: bool = False
    reverses: bool = False


_BANK = Pool(roles=("balance",), accounts=("1110.BEAR", "1110.HARB"))
_PURCHASES = Pool(
    roles=_ANYWHERE,
    accounts=(
        "8210", "8220", "8310", "8320", "8330", "8410", "8430", "8510", "8520", "8610", "8620",
        "8720", "8720.DOM", "8720.INTL", "8725", "8730", "5110.PIPE", "5110.CAST", "5130", "5140",
    ),
)  # fmt: skip
_PAYROLL = Pool(roles=_ANYWHERE, accounts=("8110", "8110", "8115", "8120", "8125", "5120"))

KINDS: tuple[Kind, ...] = (
    Kind(
        name="Voucher",
        batch_type="V",
        document_type="PV",
        program="EP0411",
        weight=30,
        lines_max=6,
        cents=(4_500, 480_000),
        first=_PURCHASES,
        second=None,
        people="V",
        can_be_foreign=True,
    ),
    Kind(
        name="Invoice",
        batch_type="IB",
        document_type="RI",
        program="EP03B11",
        weight=18,
        lines_max=4,
        cents=(350_000, 24_000_000),
        first=Pool(roles=("sales",), accounts=("4110", "4110.OEM", "4110.RETL", "4120", "4130")),
        second=None,
        sign=-1,
        people="C",
        can_be_foreign=True,
    ),
    Kind(
        name="Receipt",
        batch_type="RB",
        document_type="RC",
        program="EP03B102",
        weight=12,
        lines_max=2,
        cents=(900_000, 38_000_000),
        first=_BANK,
        second=None,
        people="C",
    ),
    Kind(
        name="Payment run",
        batch_type="G",
        document_type="JE",
        program="EP0911",
        weight=11,
        lines_max=4,
        cents=(20_000, 900_000),
        first=Pool(roles=("balance",), accounts=("2110",)),
        second=_BANK,
        people="V",
        can_be_foreign=True,
    ),
    Kind(
        name="Payroll",
        batch_type="G",
        document_type="JE",
        program="EP0911",
        weight=9,
        lines_max=9,
        cents=(180_000, 4_800_000),
        first=_PAYROLL,
        second=Pool(roles=("balance",), accounts=("2140",)),
    ),
    Kind(
        name="Accrual",
        batch_type="G",
        document_type="JE",
        program="EP0911",
        weight=7,
        lines_max=5,
        cents=(25_000, 1_400_000),
        first=Pool(roles=_ANYWHERE, accounts=("8320", "8330", "8420", "8430", "8115", "5140")),
        second=Pool(roles=("balance",), accounts=("2130",)),
        reverses=True,
    ),
    Kind(
        name="Depreciation",
        batch_type="G",
        document_type="JE",
        program="EP0911",
        weight=5,
        lines_max=6,
        cents=(30_000, 950_000),
        first=Pool(roles=_ANYWHERE, accounts=("8810", "8820")),
        second=Pool(roles=("balance",), accounts=("1620", "1640")),
    ),
    Kind(
        name="Material issue",
        batch_type="G",
        document_type="JE",
        program="EP0911",
        weight=6,
        lines_max=6,
        cents=(15_000, 1_900_000),
        first=Pool(roles=("plant",), accounts=("5110", "5110.PIPE", "5110.CAST", "5180")),
        second=Pool(roles=("balance",), accounts=("1310", "1320")),
    ),
    Kind(
        name="Cost allocation",
        batch_type="G",
        document_type="JE",
        program="EP0911",
        weight=3,
        lines_max=8,
        cents=(10_000, 700_000),
        first=Pool(roles=("sales", "plant"), accounts=("8310", "8610", "8620", "8320")),
        second=Pool(roles=("office",), accounts=("8310", "8610", "8620", "8320")),
    ),
)
KINDS_BY_NAME = {kind.name: kind for kind in KINDS}
WEIGHTED: tuple[Kind, ...] = tuple(kind for kind in KINDS for _ in range(kind.weight))

REMARKS = (
    "", "", "", "Monthly charge", "Partial delivery", "Per contract", "Q.C. checked", "Re-billed",
    "See attachment", "Approved by plant mgr", "Cost center split", "Net 30",
)  # fmt: skip
ODD_TEXTS = (
    "Überweisung Müller & Söhne",
    "Réf. n° 12; pièce \u00ab4711\u00bb",
    'Pipe 3/4" x 12\' "grade B"',
    "O'Brien's invoice, 2nd copy",
    "Tab\there, bell\x07 there",
    "Line one\r\nline two",
    "\u5099\u54c1\u8cfc\u5165 \u6a2a\u6d5c",
    "Back\\slash | pipe ; semi, comma",
    "Nul\x01 and esc\x1b[0m",
    "=SUM(A1:A9)",
)


@lru_cache(maxsize=1_000)
def pool_accounts(company: str, pool: Pool) -> tuple[AccountKey, ...]:
    """Return a company's accounts of a pool; those a business unit lacks are left out."""
    found = tuple(_accounts(company, pool))
    assert found, f"company {company} has no account of {pool.accounts}"
    return found


def _accounts(company: str, pool: Pool) -> Iterator[AccountKey]:
    for role in pool.roles:
        codes = units_of(company, role)
        if role == "balance":
            codes = (COMPANIES_BY_NUMBER[company].balance_unit,)
        for code in codes:
            for account in pool.accounts:
                object_, _, subsidiary = account.partition(".")
                try:
                    yield find_key(code, object_, subsidiary)
                except KeyError:
                    continue
