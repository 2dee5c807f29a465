"""Groups held against a count of their rows, and put together from parts where a list was cut."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Final, Protocol

from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Cell,
    Figure,
    Function,
    GroupRow,
    Row,
)
from ml_connector.systems.jde.refusals import UNTOUCHED, GroupsCutError
from ml_connector.systems.jde.windows import Span, WindowSource, find_span

LOOKS_MAX: Final = 3
"""Looks at groups and rows that do not agree: books move while they are added up."""
PARTS_MAX: Final = 10_000
"""Parts one grouping may be divided into."""


class GroupSource(WindowSource, Protocol):
    """What groups are read from."""

    def read_groups(self, query: AggregateQuery) -> list[GroupRow]:
        """The groups as the server lists them."""


def read_checked(source: GroupSource, query: AggregateQuery) -> list[GroupRow]:
    """Every group of the query, its list proven whole (J-15).

    Raises:
        GroupsCutError: The list was cut and cannot be divided.
    """
    groups = _find_whole(source, query)
    if groups is not None:
        return groups
    whole = (
        find_span(source, query.table, query.conditions, split_by=query.split_by)
        if query.split_by
        else None
    )
    if whole is None:
        raise _render_cut(source.system, query)
    return _read_parts(source, query, whole)


def _read_parts(source: GroupSource, query: AggregateQuery, whole: Span) -> list[GroupRow]:
    found: list[GroupRow] = []
    pending = [whole]
    for _ in range(PARTS_MAX):
        if not pending:
            return merge_groups(found, query.figures)
        span = pending.pop()
        narrowed = replace(query, conditions=query.conditions + span.conditions())
        groups = None if span is whole else _find_whole(source, narrowed)
        if groups is not None:
            found += groups
            continue
        halves = span.halves()
        if halves is None:
            raise _render_cut(source.system, query)
        pending += reversed(halves)
    raise _render_cut(source.system, query)


def _find_whole(source: GroupSource, query: AggregateQuery) -> list[GroupRow] | None:
    """The groups when they hold every row; None when some are missing at each look."""
    for _ in range(LOOKS_MAX):
        before = source.count(query.table, query.conditions)
        groups = source.read_groups(query)
        if sum(group.count for group in groups) == before:
            return groups
        if sum(group.count for group in groups) == source.count(query.table, query.conditions):
            return groups
    return None


def merge_groups(groups: Iterable[GroupRow], figures: tuple[Figure, ...]) -> list[GroupRow]:
    """Groups of equal keys as one: counts and sums added, the smallest and greatest kept."""
    merged: dict[Row, GroupRow] = {}
    for group in groups:
        other = merged.get(group.keys)
        merged[group.keys] = group if other is None else _merge(other, group, figures)
    return list(merged.values())


def _merge(one: GroupRow, other: GroupRow, figures: tuple[Figure, ...]) -> GroupRow:
    return GroupRow(
        keys=one.keys,
        count=one.count + other.count,
        figures=tuple(
            _merge_cells(figure.function, a, b)
            for figure, a, b in zip(figures, one.figures, other.figures, strict=True)
        ),
    )


_MERGES: Final[dict[Function, Callable[[Decimal | int, Decimal | int], Decimal | int]]] = {
    Function.SUM: lambda a, b: a + b,
    Function.MIN: min,
    Function.MAX: max,
}


def _merge_cells(function: Function, one: Cell, other: Cell) -> Cell:
    if one is None or other is None:
        return one if other is None else other
    if isinstance(one, str) or isinstance(other, str):
        texts = (str(one), str(other))
        return min(texts) if function is Function.MIN else max(texts)
    return _MERGES[function](one, other)


def _render_cut(system: str, query: AggregateQuery) -> GroupsCutError:
    return GroupsCutError(
        f"{system} listed groups of {query.table} by {', '.join(query.groups)} whose rows do not"
        f" add up to a count of the same rows, {LOOKS_MAX} times: groups are missing.",
        written=UNTOUCHED,
        next_step="Raise the DB Fetch Limit of the HTML server (Server Manager), or run again at a"
        " time when nothing is posted.",
        table=query.table, groups=", ".join(query.groups),
    )  # fmt: skip
