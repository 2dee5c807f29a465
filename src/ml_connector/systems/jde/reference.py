"""What hardly ever changes: companies, fiscal calendars, currencies, ledger types; kept minutes."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import ClassVar, Final, Generic, TypeVar

from ml_connector.domain.ledger import Ledger
from ml_connector.errors import AccessDeniedError, ProtocolError, SettingsError
from ml_connector.ports import Clock
from ml_connector.systems.jde.calendars import (
    Calendar,
    CalendarUnfitError,
    Ordinal,
    build_calendar,
)
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    LIST_VALUES_MAX,
    AggregateQuery,
    Query,
    Where,
    any_of,
    at_least,
    equal,
    on_date,
)
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.key_windows import read_by_key
from ml_connector.systems.jde.refusals import TruncatedError
from ml_connector.systems.jde.rows import (
    ACCOUNT_LEDGER,
    ACTUAL,
    CALENDARS,
    COMPANIES,
    CURRENCIES,
    FOREIGN,
    LEDGER_TYPES,
    POSTED,
    CalendarRow,
    CompanyRow,
    CurrencyRow,
    LedgerTypeRow,
    RowT,
    build_rows,
    columns_of,
    find_year,
    parse_text,
    parse_whole,
)
from ml_connector.systems.jde.translation import Books, CompanyBooks, build_ledger

ValueT = TypeVar("ValueT")
KEPT_FOR: Final = timedelta(minutes=5)
COUNTS_UNITS: Final = frozenset({"Y", "1"})


class LedgerTypeUnknownError(SettingsError):
    """A ledger type of the settings does not exist, or its amounts are not a company's money."""

    code: ClassVar[str] = "jde.ledger-type-unknown"


class DatesMisreadError(ProtocolError):
    """The server does not understand dates in conditions the way its log-in says it would."""

    code: ClassVar[str] = "jde.dates-misread"


class Kept(Generic[ValueT]):
    """A value that is read when it is first wanted, and again once it is too old."""

    def __init__(self, read: Callable[[], ValueT], *, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[datetime, ValueT] | None = None

    def load(self) -> ValueT:
        """The value, at most five minutes old."""
        with self._lock:
            now = self._clock.now()
            if self._held is None or not now - KEPT_FOR < self._held[0] <= now:
                self._held = (now, self._read())
            return self._held[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """Fiscal years as they were read, and the calendars made of them so far."""

    rows: list[CalendarRow]
    built: dict[str, Calendar] = field(default_factory=dict)


class Reference:
    """Reads the small tables; safe to share between threads."""

    def __init__(self, client: JdeClient, *, settings: JdeSettings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._companies = Kept(self._read_companies, clock=clock)
        self._calendar_rows = Kept(self._read_calendar_rows, clock=clock)
        self._currencies = Kept(self._read_currencies, clock=clock)
        self._ledger_types = Kept(self.verify_ledger_types, clock=clock)
        self._ahead = Kept(self._read_ahead, clock=clock)
        self._dates_hold = Kept(self.verify_dates, clock=clock)

    def read_table(
        self, row_type: type[RowT], table: str, *conditions: Where, key: str = ""
    ) -> list[RowT]:
        """Every row of a small table; behind a fetch limit in the order of its key, if named."""
        query = Query(table=table, columns=columns_of(row_type), conditions=conditions)
        try:
            rows = self._client.browse(query)
        except TruncatedError:
            if not key:
                raise
            rows = [row for each in read_by_key(self._client, query, key=key) for row in each]
        return build_rows(row_type, rows)

    def list_companies(self) -> list[CompanyRow]:
        """The companies whose books are read, by number."""
        wanted = self._settings.companies
        visible = self._companies.load()
        return [visible[co] for co in sorted(visible) if not wanted or co in wanted]

    def list_ledgers(self) -> list[Ledger]:
        """The books of these companies, one ledger for each ledger type.

        Raises:
            LedgerTypeUnknownError: A configured ledger type is none, or cannot be read.
        """
        types = self._ledger_types.load()
        return [build_ledger(row, lt) for row in self.list_companies() for lt in types]

    def load_books(self) -> Books:
        """What lines are read with."""
        decimals = {
            row.crcd: int(row.cdec) for row in self.list_currencies() if row.cdec.isdecimal()
        }
        return Books(companies=self._companies.load(), decimals=decimals)

    def list_currencies(self) -> list[CurrencyRow]:
        """Every currency the site keeps."""
        return self._currencies.load()

    def find_calendar(self, pattern: str) -> Calendar:
        """The calendar of a date pattern.

        Raises:
            CalendarUnfitError: It shows no fiscal years, or contradicts itself.
        """
        shelf = self._calendar_rows.load()
        if pattern not in shelf.built:
            shelf.built[pattern] = build_calendar(pattern, shelf.rows)
        return shelf.built[pattern]

    def list_calendar_rows(self) -> list[CalendarRow]:
        """Every fiscal year of every date pattern."""
        return self._calendar_rows.load().rows

    def list_patterns(self) -> list[str]:
        """The date patterns there are."""
        return sorted({row.dtpn for row in self.list_calendar_rows()})

    def find_current(self, name: CompanyBooks) -> Ordinal:
        """The period the company's books stand in."""
        company = self._companies.load().get(name.company)
        if company is None:
            raise AccessDeniedError(
                f"Company {name.company} of JD Edwards ({self._settings.name}) is not visible.",
                written="Nothing was written.",
                next_step="Give the integration user the right to the company (row security).",
                company=name.company,
            )
        return self.find_calendar(company.dtpn).find_current(company)

    def list_posted_ahead(self, name: CompanyBooks) -> Collection[Ordinal]:
        """Periods from the earliest current one on that hold posted lines of the ledger."""
        return self._ahead.load().get(name, set())

    def wanted_lines(self, *, first: date | None = None) -> tuple[Where, ...]:
        """What holds for every journal row that is looked at: its ledger type, date and company.

        Raises:
            DatesMisreadError: The first GL date would be taken for another day.
        """
        self._dates_hold.load()
        settings = self._settings
        types = settings.ledger_types
        listed = (*types, FOREIGN) if ACTUAL in types else types
        day = max(first or settings.first_gl_date, settings.first_gl_date)
        conditions: list[Where] = [any_of("LT", listed), at_least("DGJ", day)]
        # More companies than a list may hold are not told apart: the flow names its ledgers anyway.
        if 0 < len(settings.companies) <= LIST_VALUES_MAX:
            conditions.append(any_of("CO", settings.companies))
        return tuple(conditions)

    def verify_ledger_types(self) -> tuple[str, ...]:
        """The configured ledger types, all of which exist and hold money.

        Raises:
            LedgerTypeUnknownError: One does not; names those there are.
        """
        known = {row.lt: row for row in self.read_table(LedgerTypeRow, LEDGER_TYPES)}
        for ledger_type in self._settings.ledger_types:
            row = known.get(ledger_type)
            if row is None:
                raise self._render_unknown(ledger_type, sorted(filter(None, known)))
            # The column names a type's own ledger of units; read otherwise it would be a mark.
            is_units = row.ult in COUNTS_UNITS or any(r.ult == ledger_type for r in known.values())
            if ledger_type == FOREIGN or is_units:
                raise self._render_no_money(ledger_type)
        return self._settings.ledger_types

    def verify_dates(self) -> bool:
        """A known day, asked for as a condition, finds exactly the rows that hold it (J-43).

        Raises:
            DatesMisreadError: It finds others, or none.
        """
        rows = self.list_calendar_rows()
        for column, days in (
            ("DFYJ", [row.dfyj for row in rows if row.dfyj]),
            ("D01J", [row.d01j for row in rows if row.d01j]),
        ):
            # The first of January reads the same with day and month exchanged.
            telling = [day for day in days if day.day != day.month]
            if not telling:
                continue
            day = max(telling)
            found = self._client.count(CALENDARS, (on_date(column, day),))
            if found != days.count(day):
                raise self._render_misread(day, found, days.count(day))
            return True
        return False

    def _read_companies(self) -> dict[str, CompanyRow]:
        return {row.co: row for row in self.read_table(CompanyRow, COMPANIES, key="CO")}

    def _read_calendar_rows(self) -> "_Shelf":
        return _Shelf(rows=self.read_table(CalendarRow, CALENDARS))

    def _read_currencies(self) -> list[CurrencyRow]:
        return self.read_table(CurrencyRow, CURRENCIES)

    def _read_ahead(self) -> dict[CompanyBooks, set[Ordinal]]:
        """Periods with posted lines, by ledger; one question for all companies."""
        firsts = list(filter(None, map(self._find_current_first, self.list_companies())))
        if not firsts:
            return {}
        query = AggregateQuery(
            table=ACCOUNT_LEDGER,
            groups=("CO", "LT", "CTRY", "FY", "PN"),
            conditions=(*self.wanted_lines(first=min(firsts)), equal("POST", POSTED)),
            split_by="ICU",
        )
        found: dict[CompanyBooks, set[Ordinal]] = {}
        for keys, _, _ in self._client.aggregate(query):
            co, lt, century, year, number = keys
            name = CompanyBooks(parse_text(co), parse_text(lt))
            fiscal = find_year(parse_whole(century), parse_whole(year))
            found.setdefault(name, set()).add((fiscal, parse_whole(number)))
        return found

    def _find_current_first(self, company: CompanyRow) -> date | None:
        """First day of the company's current period; None where its calendar is out of order."""
        try:
            calendar = self.find_calendar(company.dtpn)
            current = calendar.find_current(company)
        except CalendarUnfitError:
            return None
        return next(p.date_first for p in calendar.periods if (p.year, p.number) == current)

    def _render_unknown(self, ledger_type: str, known: list[str]) -> LedgerTypeUnknownError:
        return LedgerTypeUnknownError(
            f"JD Edwards ({self._settings.name}) has no ledger type {ledger_type}; it has"
            f" {', '.join(known) or 'none that the user may see'}.",
            written="Nothing was written.",
            next_step="Correct `ledger_types` of the connection.",
            ledger_type=ledger_type,
        )

    def _render_no_money(self, ledger_type: str) -> LedgerTypeUnknownError:
        why = "entered amounts of AA" if ledger_type == FOREIGN else "units, not money"
        return LedgerTypeUnknownError(
            f"Ledger type {ledger_type} holds {why}; it is no ledger of its own.",
            written="Nothing was written.",
            next_step="Take it out of `ledger_types` of the connection; a flow with `measure:"
            " entered` reads entered amounts.",
            ledger_type=ledger_type,
        )

    def _render_misread(self, day: date, found: int, expected: int) -> DatesMisreadError:
        return DatesMisreadError(
            f"JD Edwards ({self._settings.name}) finds {found} fiscal years by the date"
            f" {day.isoformat()}; it showed {expected}.",
            written="Nothing was read or written.",
            next_step="Check the date format of the integration user (User Profile Revisions): the"
            " one its log-in reports is not the one conditions are read by.",
            day=day.isoformat(), found=found, expected=expected,
        )  # fmt: skip
