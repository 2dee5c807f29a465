"""From joined rows to the lines, ledgers and batches of the domain; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import ClassVar, Final, NamedTuple

from ml_connector.domain.ledger import Batch, BatchStamp, Chart, Ledger, Line
from ml_connector.domain.money import ZERO, count_decimals, decimals_of
from ml_connector.errors import RefusedError
from ml_connector.systems.jde.calendars import render_period
from ml_connector.systems.jde.rows import (
    ACTUAL,
    FOREIGN,
    PERIODS_MAX,
    CompanyRow,
    JournalRow,
    find_year,
)

CHART: Final = "account-master"
DELIMITER: Final = "|"
SEGMENTS: Final = ("account_id", "business_unit", "object", "subsidiary", "account")
PRIMARY: Final = "primary"
JELN_SCALE: Final = 1000
"""Line numbers carry up to three decimals; one that does is told in thousandths (J-46)."""
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
LineKey = tuple[str, int, str, object, Decimal, str]
"""Type, number and company of the document, its date, line number and extension."""


class LineUnfitError(RefusedError):
    """A journal line cannot be what it says it is; it is named, and nothing of it is taken."""

    code: ClassVar[str] = "jde.line-unfit"


class RepeatedRowError(Exception):
    """A row came twice, so another may have been skipped; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is needed to read lines: the companies by number, and the decimals of currencies."""

    companies: Mapping[str, CompanyRow]
    decimals: Mapping[str, int]

    def decimals_of(self, currency: str) -> int:
        """The currency's decimals; the standard's where the site does not list it."""
        return self.decimals.get(currency, decimals_of(currency))


class CompanyBooks(NamedTuple):
    """A company and the ledger type its lines are of."""

    company: str
    ledger_type: str

    def render(self) -> str:
        """The ledger's name: the company alone for its own books, 00001/BA for others."""
        if self.ledger_type == ACTUAL:
            return self.company
        return f"{self.company}/{self.ledger_type}"


def parse_ledger(name: str) -> CompanyBooks:
    """The company and ledger type a name stands for."""
    company, _, ledger_type = name.partition("/")
    return CompanyBooks(company, ledger_type or ACTUAL)


def build_ledger(row: CompanyRow, ledger_type: str) -> Ledger:
    """The company's books of one ledger type."""
    return Ledger(
        name=CompanyBooks(row.co, ledger_type).render(),
        ledger_id=row.co,
        currency=row.crcd,
        chart=CHART,
        calendar=row.dtpn,
        kind=PRIMARY if ledger_type == ACTUAL else f"ledger type {ledger_type}",
    )


def build_chart(account_codes: Iterable[str], unit_codes: Iterable[str]) -> Chart:
    """The one chart there is: accounts by their ids, which the account master explains."""
    codes = (code.lower() for code in (*account_codes, *unit_codes))
    return Chart(
        name=CHART, delimiter=DELIMITER, segments=(*SEGMENTS, *codes), is_keyed=True
    )  # fmt: skip


def render_batch_id(icut: str, icu: int) -> str:
    """The batch's id: a batch number alone is unique only within its type."""
    return f"{icut}-{icu}"


def parse_batch_id(batch_id: str) -> tuple[str, int] | None:
    """The type and number of a batch; None for a text that names no batch."""
    icut, dash, icu = batch_id.rpartition("-")
    return (icut, int(icu)) if dash and icu.isdecimal() and icu.isascii() else None


def build_batch(
    stamp: BatchStamp, rows: Sequence[JournalRow], *, books: Books, now: datetime
) -> Batch:
    """The batch with its posted lines; when it was posted no column says (J-47).

    Raises:
        LineUnfitError: A row has no account, no period, an unknown company or too many decimals.
        RepeatedRowError: A row came twice.
    """
    return Batch(
        batch_id=stamp.batch_id,
        name=stamp.batch_id,
        updated_at=max(filter(None, map(_find_updated_at, rows)), default=now),
        version=stamp.version,
        posted_on=None,
        is_actual=True,
        lines=tuple(build_lines(rows, books)),
    )


def build_lines(rows: Iterable[JournalRow], books: Books) -> list[Line]:
    """The lines of some rows; what a foreign document was entered as joins its base amount.

    Raises:
        LineUnfitError: A row is not fit to be a line.
        RepeatedRowError: A row came twice.
    """
    base: dict[tuple[LineKey, str], JournalRow] = {}
    entered: dict[LineKey, JournalRow] = {}
    for row in rows:
        key = (row.dct, row.doc, row.kco, row.dgj, row.jeln, row.extl)
        is_repeated = key in entered if row.lt == FOREIGN else (key, row.lt) in base
        if is_repeated:
            raise RepeatedRowError(f"{_name_line(row)} of ledger type {row.lt} came twice")
        if row.lt == FOREIGN:
            entered[key] = row
        else:
            base[key, row.lt] = row
    lines = [
        _build_line(row, entered.pop(key, None) if lt == ACTUAL else None, books)
        for (key, lt), row in base.items()
    ]
    # What is left was entered without a base amount: a line of nothing in the company's currency.
    lines.extend(
        _build_line(row._replace(lt=ACTUAL, aa=ZERO), row, books) for row in entered.values()
    )
    return lines


def _build_line(row: JournalRow, entered: JournalRow | None, books: Books) -> Line:
    company = _verify_row(row, books)
    _verify_decimals(row, company.crcd, books)
    currency, amount = _find_entered(row, entered, company)
    if entered is not None:
        _verify_decimals(entered, entered.crcd or company.crcd, books)
    return Line(
        ledger=CompanyBooks(row.co, row.lt).render(),
        period=render_period(find_year(row.ctry, row.fy), row.pn),
        accounting_date=row.dgj,  # type: ignore[arg-type]  # verified with the row.
        chart=CHART,
        combination=row.aid,
        journal=f"{row.kco}-{row.dct}-{row.doc}",
        number=_find_number(row),
        currency=company.crcd,
        debit=max(row.aa, ZERO),
        credit=max(-row.aa, ZERO),
        entered_currency=currency,
        entered_debit=max(amount, ZERO),
        entered_credit=max(-amount, ZERO),
        source=row.icut,
        category=row.dct,
        description=_render_description(row),
    )


def _find_entered(
    row: JournalRow, entered: JournalRow | None, company: CompanyRow
) -> tuple[str, Decimal]:
    """Currency and amount a line was entered in.

    A foreign document without its second row was entered as nothing, as revaluations are. A budget
    or another ledger type has no second rows at all; it was entered as it stands.
    """
    if row.lt != ACTUAL:
        return company.crcd, row.aa
    currency = (entered.crcd if entered else row.crcd) or company.crcd
    if currency == company.crcd:
        return currency, row.aa
    return currency, entered.aa if entered else ZERO


def _verify_row(row: JournalRow, books: Books) -> CompanyRow:
    company = books.companies.get(row.co)
    if company is None:
        raise _render_unfit(row, f"belongs to company {row.co!r}, which is not visible")
    if not company.crcd:
        raise _render_unfit(row, f"belongs to company {row.co}, which has no currency")
    if not row.aid:
        raise _render_unfit(row, "has no account id")
    if not 1 <= row.pn <= PERIODS_MAX:
        raise _render_unfit(row, f"lies in period {row.pn}, where JD Edwards has 1 to 14")
    if row.dgj is None:
        raise _render_unfit(row, "has no GL date")
    return company


def _verify_decimals(row: JournalRow, currency: str, books: Books) -> None:
    if count_decimals(row.aa) > books.decimals_of(currency):
        decimals = books.decimals_of(currency)
        fault = f"holds {row.aa} {currency}, a currency of {decimals} decimals"
        raise _render_unfit(row, fault)


def _find_number(row: JournalRow) -> int:
    whole = int(row.jeln)
    return whole if row.jeln == whole else int(row.jeln * JELN_SCALE)


def _render_description(row: JournalRow) -> str:
    """Name and remark; control characters, which people paste in, become blanks."""
    words = (_CONTROLS.sub(" ", text).strip() for text in (row.exa, row.exr))
    return " / ".join(filter(None, words))


def _find_updated_at(row: JournalRow) -> datetime | None:
    """When the row was last changed, as far as it says; the zone is nobody's knowledge (J-47)."""
    day = row.upmj or row.dicj
    if day is None:
        return None
    hours, rest = divmod(row.upmt if row.upmj else 0, 10_000)
    minutes, seconds = divmod(rest, 100)
    at = time(min(hours, 23), min(minutes, 59), min(seconds, 59))
    return datetime.combine(day, at, tzinfo=UTC)


def _name_line(row: JournalRow) -> str:
    return f"line {row.jeln} of document {row.dct} {row.doc} {row.kco}"


def _render_unfit(row: JournalRow, fault: str) -> LineUnfitError:
    line = _name_line(row)
    return LineUnfitError(
        f"{line[0].upper()}{line[1:]} (batch {row.icut} {row.icu}, ledger type {row.lt}) {fault}.",
        written="Nothing of its batch was archived.",
        next_step="Look at the document in JD Edwards, correct it there, then run the flow again.",
        document=f"{row.dct} {row.doc} {row.kco}",
        line=str(row.jeln),
        batch=render_batch_id(row.icut, row.icu),
    )
