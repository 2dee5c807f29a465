"""The columns asked of each table, and the rows they come back as."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from ml_connector.domain.money import ZERO
from ml_connector.systems.jde.conditions import Cell, Row
from ml_connector.systems.jde.dates import decode_date

RowT = TypeVar("RowT", bound=tuple[Any, ...])

ACCOUNT_LEDGER: Final = "F0911"
BALANCES: Final = "F0902"
ACCOUNTS: Final = "F0901"
BUSINESS_UNITS: Final = "F0006"
COMPANIES: Final = "F0010"
CALENDARS: Final = "F0008"
CURRENCIES: Final = "F0013"
LEDGER_TYPES: Final = "F0025"
CODES: Final = "F0005"

ACTUAL: Final = "AA"
"""The ledger type of a company's own books; its amounts are in the company's currency."""
FOREIGN: Final = "CA"
"""The ledger type that holds the amounts of foreign documents as they were entered (J-41)."""
POSTED: Final = "P"
PERIODS_MAX: Final = 14
CODES_FIELD: Final = "codes"
"""The field of a row that takes category codes, which the settings name."""
INACTIVE: Final = "I"
"""Posting edit code of an account nobody may post to any more."""
HEADER: Final = "N"
"""Posting edit code of a heading: nobody posts to it, others are detailed below it."""


class CompanyRow(NamedTuple):
    """A company and where its books stand."""

    co: str
    name: str
    crcd: str
    dtpn: str
    pnc: int
    dfyj: date | None


class CalendarRow(NamedTuple):
    """A fiscal year of a date pattern; a period that is not used has no end."""

    dtpn: str
    dfyj: date | None
    fq: str
    ctry: int
    fy: int
    d01j: date | None
    d02j: date | None
    d03j: date | None
    d04j: date | None
    d05j: date | None
    d06j: date | None
    d07j: date | None
    d08j: date | None
    d09j: date | None
    d10j: date | None
    d11j: date | None
    d12j: date | None
    d13j: date | None
    d14j: date | None

    @property
    def year(self) -> int:
        """The fiscal year in full."""
        return find_year(self.ctry, self.fy)

    @property
    def ends(self) -> tuple[date | None, ...]:
        """The last day of each period in order."""
        return self[5:]


class JournalRow(NamedTuple):
    """A line of a document in one ledger type."""

    kco: str
    dct: str
    doc: int
    dgj: date | None
    jeln: Decimal
    extl: str
    lt: str
    icut: str
    icu: int
    dicj: date | None
    co: str
    aid: str
    ctry: int
    fy: int
    pn: int
    aa: Decimal
    crcd: str
    exa: str
    exr: str
    upmj: date | None
    upmt: int


class AccountRow(NamedTuple):
    """An account; its category codes follow in the order of the settings."""

    aid: str
    co: str
    mcu: str
    obj: str
    sub: str
    dl01: str
    lda: str
    pec: str
    codes: tuple[str, ...] = ()


class BusinessUnitRow(NamedTuple):
    """A business unit; its category codes follow in the order of the settings."""

    mcu: str
    co: str
    styl: str
    dl01: str
    codes: tuple[str, ...] = ()


class CurrencyRow(NamedTuple):
    """A currency and its decimals."""

    crcd: str
    dl01: str
    cdec: str


class LedgerTypeRow(NamedTuple):
    """A ledger type, and the one that counts the units of its lines."""

    lt: str
    ult: str


class CodeRow(NamedTuple):
    """A value of a list of codes."""

    ky: str
    dl01: str
    dl02: str


def columns_of(row_type: type[RowT], codes: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns a row is made of, as the table spells them, and category codes behind them."""
    return (*(name.upper() for name in _names_of(row_type)), *codes)


def build_rows(row_type: type[RowT], rows: Iterable[Row]) -> list[RowT]:
    """The rows with blanks in the form of each column: no text, nought, or no date."""
    parsers = _parsers_of(row_type)
    width = len(parsers)
    make: Callable[[Iterable[Any]], RowT] = row_type._make  # type: ignore[attr-defined]  # as above.
    # Column by column: a page has many rows of few columns.
    columns = list(zip(*rows, strict=True))
    if not columns:
        return []
    has_codes = CODES_FIELD in _fields_of(row_type)
    named = columns[:width] if has_codes else columns
    read: list[Iterable[Any]] = [map(p, column) for p, column in zip(parsers, named, strict=True)]
    if has_codes:
        codes = [map(parse_text, column) for column in columns[width:]]
        read.append(zip(*codes, strict=True) if codes else repeat((), len(columns[0])))
    return [make(cells) for cells in zip(*read, strict=True)]


def find_year(century: int, year: int) -> int:
    """The fiscal year in full: century 20 and year 26 are 2026."""
    return century * 100 + year


def parse_text(cell: Cell) -> str:
    """The text, or none."""
    return "" if cell is None else str(cell)


def parse_whole(cell: Cell) -> int:
    """The whole number; nought where there is none."""
    return int(cell or 0)


def parse_amount(cell: Cell) -> Decimal:
    """The number, never a negative zero."""
    return Decimal(cell or 0) or ZERO


@lru_cache(maxsize=50_000)
def parse_day(cell: Cell) -> date | None:
    """The day, in any shape a server gives it; days repeat by the thousand."""
    return decode_date(cell)


_PARSERS: Final[dict[Any, Callable[[Cell], Any]]] = {
    str: parse_text,
    int: parse_whole,
    Decimal: parse_amount,
    date | None: parse_day,
}


def _fields_of(row_type: type[RowT]) -> tuple[str, ...]:
    names: tuple[str, ...] = row_type._fields  # type: ignore[attr-defined]  # a NamedTuple's own.
    return names


def _names_of(row_type: type[RowT]) -> tuple[str, ...]:
    return tuple(name for name in _fields_of(row_type) if name != CODES_FIELD)


def _parsers_of(row_type: type[RowT]) -> list[Callable[[Cell], Any]]:
    hints = get_type_hints(row_type)
    return [_PARSERS[hints[name]] for name in _names_of(row_type)]
