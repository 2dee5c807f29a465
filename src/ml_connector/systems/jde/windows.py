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


def read_windows(source: WindowSource, query: Query, *, split_by: str) -> Iterator[list[Row]]:
    """Yield the rows of a query, window by window; each row is in exactly one.

    Each window is counted before it is read, and read again in halves when less comes than was
    counted: a server that cuts in silence is found out (J-10).

    Raises:
        TruncatedError: A window that cannot be divided any more still does not fit.
        ProtocolError: There are windows without end.
    """
    pending: list[Span | None] = [None]
    for _ in range(WINDOWS_MAX):
        if not pending:
            return
        span = pending.pop()
        narrowed = query if span is None else narrow(query, span)
        rows = _read_fitting(source, narrowed)
        if rows is None:
            pending += reversed(_divide(source, query, span, split_by=split_by))
        elif rows:
            yield rows
    raise _render_endless(source.system, query.table)


def narrow(query: Query, span: Span) -> Query:
    """The query within a span."""
    return replace(query, conditions=query.conditions + span.conditions())


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


def _divide(
    source: WindowSource, query: Query, span: Span | None, *, split_by: str
) -> tuple[Span, Span]:
    whole = span or find_span(source, query.table, query.conditions, split_by=split_by)
    halves = None if whole is None else whole.halves()
    if halves is None:
        limit = source.fetch_limit or WINDOW_ROWS_MAX
        raise render_truncated(source.system, query.table, limit)
    return halves


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
    return Span(
        column=split_by, first=None, end=None, least=int(least), greatest=int(-(-greatest // 1))
    )


def _render_endless(system: str, table: str) -> ProtocolError:
    return ProtocolError(
        f"{system} gave more than {WINDOWS_MAX} windows of {table}.",
        written=UNTOUCHED,
        next_step="Raise the DB Fetch Limit of the HTML server (Server Manager).",
        table=table,
    )
