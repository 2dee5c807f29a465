"""What is asked of a table: conditions, queries and groupings, free of the wire's spelling."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

LIST_VALUES_MAX: Final = 500
"""Values one list may hold; fifty batch numbers per call are customary."""

Cell = str | int | Decimal | None
"""Trimmed text, a whole number, another number; None for what is blank."""
Row = tuple[Cell, ...]
"""The asked columns, in the order they were asked in."""
Literal = str | int | Decimal | date


class Operator(StrEnum):
    """How a column is compared."""

    EQUAL = "EQUAL"
    NOT_EQUAL = "NOT_EQUAL"
    BELOW = "LESS"
    ABOVE = "GREATER"
    AT_LEAST = "GREATER_EQUAL"
    BETWEEN = "BETWEEN"
    ANY_OF = "LIST"
    IS_BLANK = "STR_BLANK"
    NOT_BLANK = "STR_NOT_BLANK"


class Special(StrEnum):
    """What a value stands for; all but literals are worked out by the server."""

    LITERAL = "LITERAL"
    TODAY_MINUS_DAYS = "TODAY_MINUS_DAY"


@dataclass(frozen=True, slots=True)
class Condition:
    """A column compared with values; dates become text in the session's own format (J-04)."""

    column: str
    operator: Operator
    values: tuple[Literal, ...] = ()
    special: Special = Special.LITERAL


@dataclass(frozen=True, slots=True)
class Either:
    """Conditions of which one suffices."""

    conditions: tuple[Condition, ...]


Where = Condition | Either


def equal(column: str, value: Literal) -> Condition:
    """The column holds the value; padding does not matter (J-11)."""
    return Condition(column, Operator.EQUAL, (value,))


def not_equal(column: str, value: Literal) -> Condition:
    """The column holds another value."""
    return Condition(column, Operator.NOT_EQUAL, (value,))


def at_least(column: str, value: Literal) -> Condition:
    """The column holds the value or more."""
    return Condition(column, Operator.AT_LEAST, (value,))


def below(column: str, value: Literal) -> Condition:
    """The column holds less than the value."""
    return Condition(column, Operator.BELOW, (value,))


def above(column: str, value: Literal) -> Condition:
    """The column holds more than the value."""
    return Condition(column, Operator.ABOVE, (value,))


def between(column: str, first: Literal, last: Literal) -> Condition:
    """The column holds one of the two or something between them."""
    return Condition(column, Operator.BETWEEN, (first, last))


def any_of(column: str, values: Iterable[Literal]) -> Condition:
    """The column holds one of the values, of which there is at least one."""
    listed = tuple(values)
    assert 0 < len(listed) <= LIST_VALUES_MAX, "an empty list would ask for everything or nothing"
    return Condition(column, Operator.ANY_OF, listed)


def is_blank(column: str) -> Condition:
    """The column holds nothing."""
    return Condition(column, Operator.IS_BLANK)


def not_blank(column: str) -> Condition:
    """The column holds something."""
    return Condition(column, Operator.NOT_BLANK)


def on_date(column: str, day: date) -> Condition:
    """The column holds the day."""
    return Condition(column, Operator.EQUAL, (day,))


def days_back(column: str, days: int) -> Condition:
    """The column holds the server's today minus so many days, or a later day."""
    assert days >= 0
    return Condition(column, Operator.AT_LEAST, (days,), Special.TODAY_MINUS_DAYS)


def either(*conditions: Condition) -> Either:
    """One of the conditions holds."""
    assert conditions
    return Either(conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Rows of a table.

    Attributes:
        table: Such as F0911.
        columns: Aliases without the table, such as ("CO", "AID"); rows come in this order.
        conditions: All of them hold.
        order: Columns the rows ascend by; empty: as the server likes.
    """

    table: str
    columns: tuple[str, ...]
    conditions: tuple[Where, ...] = ()
    order: tuple[str, ...] = ()


class Function(StrEnum):
    """What is worked out per group; all of them can be put together from parts."""

    SUM = "SUM"
    MIN = "MIN"
    MAX = "MAX"


@dataclass(frozen=True, slots=True)
class Figure:
    """A function of a column."""

    function: Function
    column: str


def sum_of(column: str) -> Figure:
    """The column's sum."""
    return Figure(Function.SUM, column)


def min_of(column: str) -> Figure:
    """The column's smallest value."""
    return Figure(Function.MIN, column)


def max_of(column: str) -> Figure:
    """The column's greatest value."""
    return Figure(Function.MAX, column)


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateQuery:
    """Groups of rows of a table; how many rows each has is always asked as well.

    Attributes:
        table: Such as F0911.
        groups: Columns whose values make a group; none: all rows are one group.
        figures: What is worked out per group.
        conditions: All of them hold for the rows.
        split_by: Numeric column by whose ranges the rows may be divided when the server cuts the
            list of groups; empty: then it is refused.
        is_checked: Whether the counts of the groups must add up to a count of the rows.
    """

    table: str
    groups: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = field(default=())
    conditions: tuple[Where, ...] = ()
    split_by: str = ""
    is_checked: bool = True


class GroupRow(NamedTuple):
    """A group: its values, how many rows it has, and the figures, each in the order asked."""

    keys: Row
    count: int  # type: ignore[assignment]  # a group has no use for the method of tuples
    figures: Row
