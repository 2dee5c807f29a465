"""Reads by ranges of account ids: digits kept as text, which compare as text."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Cell,
    Condition,
    GroupRow,
    Literal,
    Query,
    Row,
    Where,
)
from ml_connector.systems.jde.grouping import read_checked
from ml_connector.systems.jde.windows import read_windows

ACCOUNT: Final = "AID"
DIGITS: Final = 8


def read_by_account(client: JdeClient, query: Query) -> Iterator[list[Row]]:
    """Yield the rows of a table with account ids, in windows the server gives whole.

    Raises:
        TruncatedError: One account has more rows than the server gives.
    """
    return read_windows(_AccountSource(client, client.system), query, split_by=ACCOUNT)


def aggregate_by_account(client: JdeClient, query: AggregateQuery) -> list[GroupRow]:
    """Every group of a query that groups by account, asked for in ranges where lists are cut.

    Raises:
        GroupsCutError: The groups of one account are more than the server lists.
    """
    return read_checked(_AccountSource(client, client.system), replace(query, split_by=ACCOUNT))


@dataclass(slots=True)
class _AccountSource:
    """A client to which account ids are numbers; towards the server they are eight digits."""

    client: JdeClient
    system: str

    @property
    def fetch_limit(self) -> int | None:
        return self.client.fetch_limit

    def browse(self, query: Query) -> list[Row]:
        return self.client.browse(replace(query, conditions=_pad_all(query.conditions)))

    def count(self, table: str, conditions: Collection[Where]) -> int:
        return self.client.count(table, _pad_all(conditions))

    def aggregate(self, query: AggregateQuery) -> list[GroupRow]:
        groups = self.client.aggregate(replace(query, conditions=_pad_all(query.conditions)))
        return [each._replace(figures=tuple(map(_find_number, each.figures))) for each in groups]

    def read_groups(self, query: AggregateQuery) -> list[GroupRow]:
        return self.client.read_groups(replace(query, conditions=_pad_all(query.conditions)))


def _pad_all(conditions: Collection[Where]) -> tuple[Where, ...]:
    return tuple(
        replace(each, values=tuple(map(_pad, each.values)))
        if isinstance(each, Condition) and each.column == ACCOUNT
        else each
        for each in conditions
    )


def _pad(value: Literal) -> Literal:
    return f"{value:0{DIGITS}d}" if isinstance(value, int) else value


def _find_number(cell: Cell) -> Cell:
    """The number behind an id; an id that is none is left alone, and then nothing is divided."""
    return int(cell) if isinstance(cell, str) and cell.isdecimal() and cell.isascii() else cell
