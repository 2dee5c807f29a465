"""Cells as SQL: each expression yields the JSON literal that leaves the server.

Rendering in the database rather than cell by cell afterwards is what lets a page of very many
rows leave quickly; the renderer of a column is decided once for a query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ml_connector.sandbox.jde.columns import Column, Kind, Pad, Table
from ml_connector.sandbox.jde.money import Money, quote, varied_amount_sql

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_LEAP_YEAR, _OTHER_YEAR = 2024, 2023
_LEAP_BYTES = 366 * 5
_BLANK_DATES = {"null": "null", "": '""', " ": '" "'}


def _days_of(year: int) -> bytes:
    first = date(year, 1, 1)
    days = (first + timedelta(days=one) for one in range(366))
    return b"".join(f'{day:%m%d}"'.encode() for day in days if day.year == year)


_DAY_TABLE = (_days_of(_LEAP_YEAR) + _days_of(_OTHER_YEAR)).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStyle:
    """What decides about the form of cells: switches, and the decimals of currencies."""

    money: Money
    padding: str
    blank_date: str

    def cell(self, table: Table, column: Column) -> str:
        """Return the literal of a column in the present row."""
        ref = f'"{column.alias}"'
        if column.kind is Kind.TEXT:
            return self.text(column, ref)
        if column.kind is Kind.DATE:
            return self.date(ref)
        decimals = self.money.decimals_sql(table, column)
        return varied_amount_sql(ref, decimals, self.money.possible(column))

    def text(self, column: Column, ref: str) -> str:
        """Return the literal of a text; padding as the switch has it."""
        if self.padding == "trimmed":
            return f"json_quote(trim({ref}))"
        if self.padding == "full" or column.pad is Pad.RIGHT:
            width = f"%-!{column.length}s"
            return f"json_quote(printf({quote(width)}, {ref}))"
        # The stored blank is the empty text; comparing bytes spares the slower collation.
        return f"CASE {ref} COLLATE BINARY WHEN '' THEN '\" \"' ELSE json_quote({ref}) END"

    def date(self, ref: str) -> str:
        """Return the literal of a date: yyyyMMdd in quotes, or what a blank one looks like."""
        blank = quote(_BLANK_DATES[self.blank_date])
        return f"CASE {ref} WHEN 0 THEN {blank} ELSE '\"' || {day_sql(ref)} END"

    def epoch(self, ref: str, zone_hours: int) -> str:
        """Return the literal of a date as milliseconds at midnight of the zone."""
        blank = quote(_BLANK_DATES[self.blank_date])
        return f"CASE {ref} WHEN 0 THEN {blank} ELSE {epoch_sql(ref, zone_hours)} END"


def row_sql(cells: Iterable[tuple[str, str]]) -> str:
    """Return the expression of one JSON object, given keys and the literals of their values."""
    pairs = list(cells)
    if not pairs:
        return "'{}'"
    form = "{" + ",".join(f'"{key}":%s' for key, _ in pairs) + "}"
    return f"printf({quote(form)}, {', '.join(sql for _, sql in pairs)})"


def day_sql(ref: str) -> str:
    """Return yyyyMMdd and a closing quote of a CYYDDD number after 1900, by a table of days.

    A piece of a constant is fetched faster than the month is computed, and dates are what pages
    have most of.
    """
    place = f"{ref} % 1000 * 5 - 4 + ({ref} / 1000 % 4 > 0) * {_LEAP_BYTES}"
    return f"({ref} / 1000 + 1900) || substr(x'{_DAY_TABLE}', {place}, 5)"


def epoch_sql(ref: str, zone_hours: int) -> str:
    """Return the milliseconds since 1970 UTC of midnight of a CYYDDD number in a zone."""
    year, day = f"({ref} / 1000)", f"({ref} % 1000)"
    days = f"(({year} - 70) * 365 + ({year} - 1) / 4 - 17 + {day} - 1)"
    return f"({days} * {_DAY_MS} - {zone_hours * _HOUR_MS})"
