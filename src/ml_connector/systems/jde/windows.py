"""Reads too large for one answer: divided by ranges of a numeric column until each part fits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ml_connector.errors import ProtocolError
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Condition,
    GroupRow,
    Query,
    Row,
    Where,
    at_least,
    below,
    max_of,
    min_of,
)
from ml_connector.systems.jde.refusals import UNTOUCHED, TruncatedError, render_truncated

WINDOW_ROWS_MAX: Final = 100_000
"""Rows of one window where the server sets no smaller limit; they are held in memory."""
WINDOWS_MAX: Final = 100_000
"""Windows one read may take; ten thousand million rows."""


class WindowSource(Protocol):
    """What windows are read from."""

    system: str

    @property
    def fetch_limit(self) -> int | None:
        """Rows behind which the server cuts a read off, once that is known."""

    def browse(self, query: Query) -> list[Row]:
        """Every row of the query."""

    def count(self, table: str, conditions: tuple[Where, ...]) -> int:
        """How many rows the conditions fit."""

    def aggregate(self, query: AggregateQuery) -> list[GroupRow]:
        """Every group of the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range of a numeric column: first included, end not; None where it has no bound.

    Halves share a border, so fractions have a place too, and the outermost spans have no outer
    bound: a row that comes while others are read is not lost for lying outside of what was known.
    """

    column: str
    first: int | None
    end: int | None
    least: int
    greatest: int

    def conditions(self) -> tuple[Condition, ...]:
        """What holds for the rows of the span."""
        lower = () if self.first is None else (at_least(self.column, self.first),)
        upper = () if self.end is None else (below(self.column, self.end),)
        return (*lower, *upper)

    def halves(self) -> tuple["Span", "Span"] | None:
        """The lower and the upper half; None when nothing is left to divide."""
        first = self.least if self.first is None else self.first
        last = self.greatest if self.end is None else self.end - 1
        if first >= last:
            return None
        border = (first + last) // 2 + 1
        return replace(self, end=border), replace(self, first=border)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Rows to read: what holds for them, a span of the first column, and what divides further."""

    conditions: tuple[Where, ...]
    columns: tuple[str, ...]
    span: Span | None = None

    def where(self) -> tuple[Where, ...]:
        """All that holds for the rows."""
        return self.conditions if self.span is None else self.conditions + self.span.conditions()


def read_windows(
    source: WindowSource, query: Query, *, split_by: str | tuple[str, ...]
) -> Iterator[list[Row]]:
    """Yield the rows of a query, window by window; each row is in exactly one.

    Each window is counted before it is read, and read again in halves when less comes than was
    counted: a server that cuts in silence is found out (J-10). Where one value of a column has too
    many rows, the next column divides them.

    Raises:
        TruncatedError: A window that cannot be divided any more still does not fit.
        ProtocolError: There are windows without end.
    """
    columns = (split_by,) if isinstance(split_by, str) else split_by
    pending = [_Part(conditions=query.conditions, columns=columns)]
    for _ in range(WINDOWS_MAX):
        if not pending:
            return
        part = pending.pop()
        rows = _read_fitting(source, replace(query, conditions=part.where()))
        if rows is None:
            pending += reversed(_divide(source, query.table, part))
        elif rows:
            yield rows
    raise _render_endless(source.system, query.table)


def _read_fitting(source: WindowSource, query: Query) -> list[Row] | None:
    """The rows of a window; None when it does not fit and must be divided."""
    counted = source.count(query.table, query.conditions)
    if not counted:
        return []
    if counted > (source.fetch_limit or WINDOW_ROWS_MAX):
        return None
    try:
        rows = source.browse(query)
    except TruncatedError:
        return None
    if len(rows) >= counted:
        return rows
    # Rows may have gone meanwhile; if they are still counted, they were held back.
    return rows if source.count(query.table, query.conditions) <= len(rows) else None


def _divide(source: WindowSource, table: str, part: _Part) -> tuple[_Part, _Part]:
    if not part.columns:
        raise render_truncated(source.system, table, source.fetch_limit or WINDOW_ROWS_MAX)
    column, *further = part.columns
    span = part.span or find_span(source, table, part.conditions, split_by=column)
    halves = None if span is None else span.halves()
    if halves is None:
        return _divide(source, table, _Part(conditions=part.where(), columns=tuple(further)))
    lower, upper = halves
    return replace(part, span=lower), replace(part, span=upper)


def find_span(
    source: WindowSource, table: str, conditions: tuple[Where, ...], *, split_by: str
) -> Span | None:
    """The span of all values the column has now; None when there are none."""
    query = AggregateQuery(
        table=table,
        figures=(min_of(split_by), max_of(split_by)),
        conditions=conditions,
        is_checked=False,
    )
    least, greatest = next((row.figures for row in source.aggregate(query)), (None, None))
    if least is None or greatest is None or isinstance(least, str) or isinstance(greatest, str):
        return None
    return Span(column=split_by, first=None, end=None, least=int(least), greatest=int(greatest))


def _render_endless(system: str, table: str) -> ProtocolError:
    return ProtocolError(
        f"{system} gave more than {WINDOWS_MAX} windows of {table}.",
        written=UNTOUCHED,
        next_step="Raise the DB Fetch Limit of the HTML server (Server Manager).",
        table=table,
    )
