"""What a table and a column of the database are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """What a raw value is: a text, a (scaled) integer, CYYDDD, or HHMMSS."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"


class Pad(StrEnum):
    """Where a text stands in its column."""

    LEFT = "left"
    RIGHT = "right"
    ZEROS = "zeros"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; `alias` is its name in SQL too, without the table's prefix.

    `decimals` are the implied ones of a number: the integer 677823 with 2 is 6778.23. Where
    `by_currency` is set, they are those of the row's currency instead (F0013.CDEC): of CRCD in
    a row with LT CA, of the company CO (F0010.CRCD) in any other.
    """

    alias: str
    kind: Kind
    title: str
    length: int = 15
    pad: Pad = Pad.LEFT
    decimals: int = 0
    by_currency: bool = False

    def raw_text(self, value: str) -> str:
        """Return a text as it is stored; at the left no trailing blanks are kept."""
        if len(value.strip()) > self.length:
            raise ValueError(f"{value!r} is longer than the {self.length} of {self.alias}.")
        if self.pad is Pad.LEFT:
            return value.rstrip(" ")
        bare = value.strip(" ")
        fill = "0" if self.pad is Pad.ZEROS else " "
        return bare.rjust(self.length, fill) if bare else ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: columns in order, primary key, and the indexes besides it."""

    name: str
    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def by_alias(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.alias: column for column in self.columns}


def text(alias: str, length: int, title: str) -> Column:
    """Return a text column filled from the left."""
    return Column(alias=alias, kind=Kind.TEXT, title=title, length=length)


def right(alias: str, length: int, title: str) -> Column:
    """Return a text column whose values stand at the right."""
    return Column(alias=alias, kind=Kind.TEXT, title=title, length=length, pad=Pad.RIGHT)


def zeros(alias: str, length: int, title: str) -> Column:
    """Return a text column of digits with zeros before them."""
    return Column(alias=alias, kind=Kind.TEXT, title=title, length=length, pad=Pad.ZEROS)


def number(alias: str, title: str, decimals: int = 0) -> Column:
    """Return a number column."""
    return Column(alias=alias, kind=Kind.NUMBER, title=title, decimals=decimals)


def amount(alias: str, title: str) -> Column:
    """Return a column of amounts in the row's currency; the data dictionary says 2 decimals."""
    return Column(alias=alias, kind=Kind.NUMBER, title=title, decimals=2, by_currency=True)


def day(alias: str, title: str) -> Column:
    """Return a date column."""
    return Column(alias=alias, kind=Kind.DATE, title=title, length=6)


def clock(alias: str, title: str) -> Column:
    """Return a column of times of day."""
    return Column(alias=alias, kind=Kind.TIME, title=title, length=6)


def numbered(aliases: Iterable[str], length: int, title: str) -> tuple[Column, ...]:
    """Return alike text columns, such as the category codes."""
    return tuple(text(alias, length, f"{title} {alias}") for alias in aliases)


AUDIT = (
    text("USER", 10, "User ID"),
    text("PID", 10, "Program ID"),
    text("JOBN", 10, "Work Stn ID"),
    day("UPMJ", "Date Updated"),
    clock("UPMT", "Time Last Updated"),
)
