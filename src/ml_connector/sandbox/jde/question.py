"""A data request made ready for the database: columns, filter, style and limits decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.jde.cells import CellStyle, row_sql
from ml_connector.sandbox.jde.columns import Column, Table
from ml_connector.sandbox.jde.conditions import Filter, column_of
from ml_connector.sandbox.jde.ordering import order_sql, shuffled
from ml_connector.sandbox.jde.wishes import UNLIMITED, Wish

_SELECTIVE = ("ICU", "DOC", "AID", "MCU", "R2", "EXA", "EDBT", "EDUS", "PN", "FY", "KY", "RT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """SQL with its parameters."""

    sql: str
    params: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of one table by one user; `limit` is the fetch limit of the database."""

    table: Table
    wish: Wish
    columns: tuple[Column, ...]
    filter: Filter
    style: CellStyle
    limit: int
    seed: str | None

    @property
    def where(self) -> str:
        """The WHERE clause, or nothing."""
        return f" WHERE {self.filter.sql}" if self.filter.sql else ""

    def key(self, column: Column) -> str:
        """Return the key of a column's cell in a row."""
        return f"{self.table.name}_{column.alias}"

    def counting(self) -> Statement:
        """Return the statement that counts the rows."""
        sql = f"SELECT COUNT(*) FROM {self.table.name}{self.where}"  # noqa: S608 - names of the schema
        return Statement(sql=sql, params=self.filter.params)

    def browsing(self) -> Statement:
        """Return the statement that yields one JSON object a row."""
        columns = self.columns if self.seed is None else shuffled(self.columns, self.seed)
        cells = [(self.key(column), self.style.cell(self.table, column)) for column in columns]
        return self._rows(row_sql(cells))

    def browsing_raw(self) -> Statement:
        """Return the statement that yields raw values, each with its count of decimals."""
        money = self.style.money
        cells = [
            f'"{column.alias}", {money.decimals_sql(self.table, column)}' for column in self.columns
        ]
        return self._rows(", ".join(cells) or "NULL")

    def _rows(self, cells: str) -> Statement:
        order = order_sql(
            self.wish.aggregation, lambda one: f'"{column_of(self.table, one.get("column")).alias}"'
        )
        source = self.table.name if order else f"{self.table.name}{self._hint()}"
        sql = f"SELECT {cells} FROM {source}{self.where}{order}"  # noqa: S608 - names of the schema
        # One row past the limit shows that there is more.
        bound = min(self.limit, UNLIMITED - 1) + 1
        return Statement(sql=f"{sql} LIMIT {bound}", params=self.filter.params)

    def _hint(self) -> str:
        """Keep the database from walking an index where nearly every row fits.

        Without statistics it takes any index that a condition touches, and POST = 'P' is met by
        most of the ledger: row by row through an index is far slower than from end to end.
        """
        selective = any(f'"{alias}"' in self.filter.sql for alias in _SELECTIVE)
        return "" if selective or not self.filter.sql else " NOT INDEXED"
