"""Every table of a page is also a file: CSV for programs, a workbook for people."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from ml_connector.domain.money import count_decimals, decimals_of
from ml_connector.flows.answers.listing import Cell, Listing, Money, render_bare, render_cell

FORMATS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ASKED = "as"
ALL = "all"
"""Instead of a table's name: every table of the page."""
WIDE_FROM = 7
"""Columns from which on a table is set closer."""
ROWS_SHOWN_MAX = 2_000
"""Of one table on a page; its files hold all. More is nothing that anybody reads."""
CURRENCY = "Currency"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula, were it text from outside."""
SHEET_TITLE_MAX = 31
"""Characters of a sheet's title in a workbook."""
NOT_IN_SHEETS = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
"""Characters that no sheet's title may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A listing on a page.

    Attributes:
        name: Within the page, and of its files.
        title: Above it.
        listing: Its rows.
        next_step: What to do where it is empty.
        is_main: Whether the page is about nothing else, so that its title says it already.
        whole: Rows of the whole list, where these are a page of it.
        one: What a row is, where that is not its title without the last letter.
    """

    name: str
    title: str
    listing: Listing
    next_step: str = ""
    is_main: bool = False
    whole: int = 0
    one: str = ""

    @property
    def counted(self) -> str:
        """How many rows there are, and of how many: `100 of 6,500 periods`."""
        here = len(self.listing.rows)
        more = f" of {self.whole:,}" if self.whole > here else ""
        many = self.title.lower()
        is_one = here == 1 and not more
        return f"{here:,}{more} {self.one or many.removesuffix('s') if is_one else many}"

    @property
    def is_wide(self) -> bool:
        """Whether it has so many columns that they stand closer."""
        return len(self.listing.columns) >= WIDE_FROM

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Titles, and whether they stand over amounts or counts."""
        listing = self.listing
        return [(listing.columns[at], listing.is_right(at)) for at in self._shown()]

    @property
    def rows(self) -> list[list[tuple[str, Cell]]]:
        """Cells with the title of their column, which stands beside them on a narrow screen."""
        titles, shown = self.listing.columns, self._shown()
        return [[(titles[at], row[at]) for at in shown] for row in self._read()]

    @property
    def count_left_out(self) -> int:
        """Rows that the page does not show."""
        return max(0, len(self.listing.rows) - ROWS_SHOWN_MAX)

    @property
    def said(self) -> frozenset[int]:
        """Places in a row of amounts whose currency the row says further left already."""
        columns = [[row[at] for row in self._read()] for at in self._shown()]
        sayers = (at for at, cells in enumerate(columns) if all(map(_find_currency, cells)))
        first = next(sayers, None)
        if first is None:
            return frozenset()
        later = range(first + 1, len(columns))
        return frozenset(at for at in later if _is_said(columns[at], columns[first]))

    def _shown(self) -> list[int]:
        """The columns of the page: a wide table leaves out those that hold nothing at all."""
        every = range(len(self.listing.columns))
        if not self.is_wide or not self.listing.rows:
            return list(every)
        return [at for at in every if any(row[at] not in (None, "") for row in self._read())]

    def _read(self) -> Sequence[Sequence[Cell]]:
        return self.listing.rows[:ROWS_SHOWN_MAX]


def _is_said(cells: Sequence[Cell], sayers: Sequence[Cell]) -> bool:
    pairs = zip(map(_find_currency, cells), map(_find_currency, sayers), strict=True)
    return all(one in ("", by) for one, by in pairs) and any(map(_find_currency, cells))


def _find_currency(cell: Cell) -> str:
    return cell.currency if isinstance(cell, Money) else ""


def find_file(request: HttpRequest, tables: Sequence[Table]) -> HttpResponse | None:
    """The table that was asked for as a file, if one was: `?as=csv` or `?as=xlsx&table=NAME`.

    All tables of a page are one workbook, a sheet each: `?as=xlsx&table=all`.
    """
    form = request.GET.get(ASKED, "")
    wanted = request.GET.get("table", tables[0].name if tables else "")
    if form == "xlsx" and wanted == ALL and tables:
        return _send_file(_render_workbook(tables), XLSX, f"{tables[0].name}.{form}")
    table = next((one for one in tables if one.name == wanted), None)
    if form not in FORMATS or table is None:
        return None
    content, kind = (
        (_render_csv(_complete(table.listing)), "text/csv; charset=utf-8")
        if form == "csv"
        else (_render_workbook([table]), XLSX)
    )
    return _send_file(content, kind, f"{table.name}.{form}")


def _send_file(content: bytes, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=kind, headers=headers)


def _render_csv(listing: Listing) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(listing.columns)
    writer.writerows([_render_safe(cell) for cell in row] for row in listing.rows)
    return text.getvalue().encode("utf-8-sig")


def _lacks_currencies(listing: Listing) -> bool:
    """Whether a page says beside amounts what no column says."""
    cells = (cell for row in listing.rows for cell in row)
    return CURRENCY not in listing.columns and any(map(_find_currency, cells))


def _tell_currencies(listing: Listing) -> Listing:
    rows = [
        (*row, " ".join(dict.fromkeys(filter(None, map(_find_currency, row)))))
        for row in listing.rows
    ]
    return replace(listing, columns=(*listing.columns, CURRENCY), rows=rows)


def _complete(listing: Listing) -> Listing:
    """The listing as a file holds it, where a currency is a column of its own."""
    return _tell_currencies(listing) if _lacks_currencies(listing) else listing


def stream_csv(name: str, listings: Iterable[Listing]) -> StreamingHttpResponse:
    """A table too long to be held, as CSV: the listings are its parts, one behind the other."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    kind = "text/csv; charset=utf-8"
    return StreamingHttpResponse(_walk_csv(listings), content_type=kind, headers=headers)


def _walk_csv(listings: Iterable[Listing]) -> Iterator[bytes]:
    lacks_currencies = False
    for number, listing in enumerate(listings):
        # All parts have the columns of the first one.
        lacks_currencies = _lacks_currencies(listing) if number == 0 else lacks_currencies
        content = _render_csv(_tell_currencies(listing) if lacks_currencies else listing)
        # Titles, and the mark that a spreadsheet knows the encoding by, stand once.
        yield content if number == 0 else content.split(b"\r\n", 1)[1]


def _render_safe(cell: Cell) -> str | int | bool | None:
    """As for a program, but text is never a formula."""
    bare = render_bare(cell)
    is_amount = isinstance(cell, Money | Decimal)
    if isinstance(bare, str) and not is_amount and bare.startswith(FORMULA_STARTS):
        return f"'{bare}"
    return bare


def _render_workbook(tables: Sequence[Table]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - a third of a second.

    book = Workbook(write_only=True)
    for title, table in zip(_name_sheets(tables), tables, strict=True):
        _fill_sheet(book.create_sheet(title), table)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _name_sheets(tables: Sequence[Table]) -> Iterator[str]:
    """Yield titles as a workbook takes them: none of a few characters, not long, none twice."""
    used: set[str] = set()
    for number, table in enumerate(tables, start=1):
        title = table.title.translate(NOT_IN_SHEETS)[:SHEET_TITLE_MAX].strip(" '")
        if not title or title.casefold() in used:
            title = f"{title[: SHEET_TITLE_MAX - 5]} {number}".strip()
        used.add(title.casefold())
        yield title


def _fill_sheet(sheet: Any, table: Table) -> None:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - a third of a second.

    whole = _complete(table.listing)
    sheet.append(list(whole.columns))
    for row in whole.rows:
        cells = []
        for cell in row:
            shown = WriteOnlyCell(sheet, value=_find_value(cell))  # type: ignore[arg-type]  # it writes Decimals exactly; the stubs do not know them
            if isinstance(cell, Money | Decimal):
                shown.number_format = _find_format(cell)
            elif not isinstance(cell, int | datetime):
                shown.data_type = "s"
            cells.append(shown)
        sheet.append(cells)


def _find_format(amount: Money | Decimal) -> str:
    """As a page shows it: its currency's decimals, and more where the amount has more."""
    money = amount if isinstance(amount, Money) else Money(amount=amount, currency="")
    decimals = max(decimals_of(money.currency), count_decimals(money.amount))
    return f"#,##0.{'0' * decimals}" if decimals else "#,##0"


def _find_value(cell: Cell) -> str | int | bool | Decimal | datetime | None:
    match cell:
        case Money(amount=amount):
            return amount
        case datetime():
            # A workbook knows no zones; the column's title says UTC.
            return cell.replace(tzinfo=None)
        case Decimal() | bool() | int() | None:
            return cell
    return render_cell(cell, grouped=False)
