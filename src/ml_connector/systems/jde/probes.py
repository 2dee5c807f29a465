"""Questions that settle what no manual says of a site: rights, dates, limits, what posting does."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from ml_connector.ports import Clock
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Cell,
    Query,
    Where,
    any_of,
    days_back,
    equal,
    max_of,
    min_of,
    not_equal,
)
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.dates import decode_date
from ml_connector.systems.jde.findings import Findings, fail, ok, warn
from ml_connector.systems.jde.reference import DatesMisreadError, Reference
from ml_connector.systems.jde.refusals import GroupsCutError, TruncatedError
from ml_connector.systems.jde.rows import (
    ACCOUNT_LEDGER,
    ACCOUNTS,
    BALANCES,
    BUSINESS_UNITS,
    CALENDARS,
    CODES,
    COMPANIES,
    CURRENCIES,
    LEDGER_TYPES,
    PERIODS_MAX,
    POSTED,
    AccountRow,
    BusinessUnitRow,
    CalendarRow,
    CodeRow,
    CompanyRow,
    CurrencyRow,
    JournalRow,
    LedgerTypeRow,
    columns_of,
    parse_text,
    parse_whole,
)
from ml_connector.systems.jde.stamps import BATCHES_PER_CALL

AUTOMATIC: Final = "AE"
"""Document type of the entries that posting itself makes."""
POSTED_DAYS: Final = 90
"""How far back posted batches are looked at for what posting does."""
PROBED_ROWS_MAX: Final = 20_000
"""Rows read to find a server's limit, which is mostly 2000."""
DAYS_BEFORE: Final = 15
"""A look back ends so long before a fiscal year begins, where no other one does."""
COLUMNS_OF_LINES: Final = columns_of(JournalRow)
CODE_LIST: Final = (equal("SY", "09"), equal("RT", "LT"))


class Probes:
    """Asks one question each; raises what a question ends with."""

    def __init__(
        self, client: JdeClient, reference: Reference, *, settings: JdeSettings, clock: Clock
    ) -> None:
        self._client = client
        self._reference = reference
        self._settings = settings
        self._clock = clock
        self._queries: dict[str, Callable[[], Query]] = {
            COMPANIES: lambda: _query(COMPANIES, columns_of(CompanyRow)),
            CALENDARS: lambda: _query(CALENDARS, columns_of(CalendarRow)),
            CURRENCIES: lambda: _query(CURRENCIES, columns_of(CurrencyRow)),
            LEDGER_TYPES: lambda: _query(LEDGER_TYPES, columns_of(LedgerTypeRow)),
            CODES: lambda: _query(CODES, columns_of(CodeRow), *CODE_LIST),
            BUSINESS_UNITS: lambda: _query(
                BUSINESS_UNITS,
                columns_of(BusinessUnitRow, self._settings.business_unit_categories),
            ),
            ACCOUNT_LEDGER: self._newest_document,
            ACCOUNTS: self._one_account,
            BALANCES: self._one_balance,
        }

    @property
    def tables(self) -> Sequence[str]:
        """The tables that are read."""
        return tuple(self._queries)

    def check_table(self, table: str) -> Findings:
        """Some rows of the table come, with every column that is ever asked for."""
        query = self._queries[table]()
        rows = self._client.browse(query)
        if not rows:
            finding = f"{table} can be read and shows no rows; missing rights look just like this."
            return [warn(f"table {table}", finding, "Check the user's row security.")]
        return [ok(f"table {table}", f"All {len(query.columns)} columns can be read.")]

    def check_dates(self) -> Findings:
        """Days that are written out and days that the server counts back find the same rows."""
        is_telling = self._reference.verify_dates()
        days = [row.dfyj for row in self._reference.list_calendar_rows() if row.dfyj]
        begun = [day for day in days if day <= self._find_today()]
        if begun:
            self._verify_days_back((self._find_today() - max(begun)).days + DAYS_BEFORE, days)
        if not is_telling:
            finding = "No fiscal year begins on a day that would show days and months exchanged."
            return [warn("dates", finding, "Compare a day's lines with JD Edwards once.")]
        return [ok("dates", "Days are understood, written out and counted back alike.")]

    def check_row_limit(self) -> Findings:
        """How many rows the server gives at once, by what it counts and what it gives."""
        table, column, counted = self._find_probed()
        try:
            read = len(self._client.browse(_query(table, (column,))))
        except TruncatedError as error:
            finding = f"The server gives at most {error.rows_seen} rows; reads are cut to fit."
            return [ok("row limit", finding)]
        if read != counted:
            finding = f"The server counts {counted} rows of {table} and gives {read}."
            next_step = "Raise the DB Fetch Limit of the HTML server (Server Manager)."
            return [fail("row limit", finding, next_step, code=TruncatedError.code)]
        return [ok("row limit", f"All {read} rows of {table} come in one read.")]

    def check_group_limit(self) -> Findings:
        """Whether lists of groups come whole."""
        table, column, _ = self._find_probed()
        query = AggregateQuery(table=table, groups=(column,))
        try:
            groups = len(self._client.aggregate(query))
        except GroupsCutError:
            finding = "Lists of groups are cut by the server; they are asked for in parts."
            return [ok("group limit", finding)]
        return [ok("group limit", f"A list of {groups} groups comes whole.")]

    def check_posting(self) -> Findings:
        """Whether posting moves the change date of lines, as far as posted batches tell (J-40).

        Posting makes entries of its own and stamps these today. Where the other lines of such a
        batch carry an earlier day, posting has left them alone.
        """
        posted = (equal("POST", POSTED), days_back("UPMJ", POSTED_DAYS))
        made = self._find_days("max", *posted, equal("DCT", AUTOMATIC))
        for icut in sorted({key[0] for key in made}):
            listed = sorted(icu for kind, icu in made if kind == icut)[-BATCHES_PER_CALL:]
            entered = self._find_days(
                "min", equal("ICUT", icut), any_of("ICU", listed), equal("POST", POSTED),
                not_equal("DCT", AUTOMATIC),
            )  # fmt: skip
            for key, day in entered.items():
                if key in made and _is_before(day, made[key]):
                    finding = (
                        f"Posting batch {icut} {key[1]} left the change date of its lines alone."
                        " The connector does not rely on it: batches not yet posted are looked at"
                        " until they are."
                    )
                    return [ok("posting", finding)]
        finding = (
            "No posted batch shows whether posting moves the change date of lines. The connector"
            " does not rely on it."
        )
        return [ok("posting", finding)]

    def _find_probed(self) -> tuple[str, str, int]:
        """The largest of three tables that is small enough to be read for a test, and its key."""
        for table, column in ((ACCOUNTS, "AID"), (BUSINESS_UNITS, "MCU")):
            counted = self._client.count(table)
            if counted <= PROBED_ROWS_MAX:
                return table, column, counted
        return COMPANIES, "CO", self._client.count(COMPANIES)

    def _find_days(self, which: str, *conditions: Where) -> dict[tuple[str, int], Cell]:
        figure = max_of("UPMJ") if which == "max" else min_of("UPMJ")
        query = AggregateQuery(
            table=ACCOUNT_LEDGER,
            groups=("ICUT", "ICU"),
            figures=(figure,),
            conditions=conditions,
            split_by="ICU",
        )
        return {
            (parse_text(keys[0]), parse_whole(keys[1])): figures[0]
            for keys, _, figures in self._client.aggregate(query)
        }

    def _verify_days_back(self, days: int, known: Sequence[date]) -> None:
        """Raises unless as many fiscal years are found as begin since so many days ago."""
        first = self._find_today() - timedelta(days=days)
        found = self._client.count(CALENDARS, (days_back("DFYJ", days),))
        # The server's today may be yesterday or tomorrow here.
        nearby = {
            sum(day >= first + timedelta(days=apart) for day in known) for apart in (-1, 0, 1)
        }
        if found not in nearby:
            raise DatesMisreadError(
                f"JD Edwards ({self._settings.name}) finds {found} fiscal years that begin since"
                f" {days} days ago; it showed {max(nearby)}.",
                written="Nothing was read or written.",
                next_step="Compare the server's clock with the calendar; looks for changes count"
                " days back from it.",
                days=days, found=found,
            )  # fmt: skip

    def _find_today(self) -> date:
        return (self._client.read_server_time() or self._clock.now()).date()

    def _newest_document(self) -> Query:
        """The lines of the highest document number: a few rows of the largest table."""
        query = AggregateQuery(
            table=ACCOUNT_LEDGER,
            figures=(max_of("DOC"),),
            conditions=self._reference.wanted_lines(),
            is_checked=False,
        )
        groups = self._client.aggregate(query)
        newest = parse_whole(groups[0].figures[0]) if groups else 0
        return _query(ACCOUNT_LEDGER, COLUMNS_OF_LINES, equal("DOC", newest))

    def _one_account(self) -> Query:
        return _query(
            ACCOUNTS,
            columns_of(AccountRow, self._settings.account_categories),
            equal("AID", self._find_account()),
        )

    def _one_balance(self) -> Query:
        periods = (f"AN{number:02d}" for number in range(1, PERIODS_MAX + 1))
        columns = ("AID", "CO", "CTRY", "FY", "LT", "CRCD", *periods)
        return _query(BALANCES, columns, equal("AID", self._find_account()))

    def _find_account(self) -> str:
        """The account of some line, else one that cannot be."""
        rows = self._client.browse(self._newest_document())
        at = COLUMNS_OF_LINES.index("AID")
        return next((parse_text(row[at]) for row in rows if row[at] is not None), "0")


def _query(table: str, columns: tuple[str, ...], *conditions: Where) -> Query:
    return Query(table=table, columns=columns, conditions=conditions)


def _is_before(day: Cell, other: Cell) -> bool:
    first, second = decode_date(day), decode_date(other)
    return first is not None and second is not None and first < second
