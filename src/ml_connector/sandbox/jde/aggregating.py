"""Aggregations: groups, sums and the conditions on them, rendered in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.jde.cells import row_sql
from ml_connector.sandbox.jde.columns import Column, Kind, number
from ml_connector.sandbox.jde.conditions import (
    ConditionReader,
    Filter,
    Operand,
    column_of,
)
from ml_connector.sandbox.jde.literals import ValueReader
from ml_connector.sandbox.jde.money import (
    DECIMALS_MOST,
    amount_sql,
    by_decimals,
    number_sql,
)
from ml_connector.sandbox.jde.ordering import objects_of, order_sql
from ml_connector.sandbox.jde.question import Question, Statement
from ml_connector.sandbox.jde.refusals import QueryRefusalError

_FUNCTIONS = {
    "SUM": "SUM({})", "MIN": "MIN({})", "MAX": "MAX({})", "COUNT": "COUNT({})",
    "AVG": "CAST(round(AVG({})) AS INTEGER)", "COUNT_DISTINCT": "COUNT(DISTINCT {})",
    "SUM_DISTINCT": "SUM(DISTINCT {})",
    "AVG_DISTINCT": "CAST(round(AVG(DISTINCT {})) AS INTEGER)",
}  # fmt: skip
_ARITHMETIC = {"SUM", "AVG", "SUM_DISTINCT", "AVG_DISTINCT"}
_COUNT = number("COUNT", "Count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One aggregated value: its key in the answer, its SQL, and how it is scaled."""

    key: str
    sql: str
    column: Column
    decimals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregator:
    """Builds the statement of an aggregation; its switches are decided before."""

    question: Question
    values: ValueReader
    in_currency: bool
    epoch_dates: bool
    zone_hours: int
    limit: int

    def statement(self) -> Statement:
        """Return the statement that yields one JSON object a group."""
        question, asked = self.question, self.question.wish.aggregation
        groups = [
            (str(one.get("column")), self._column(one)) for one in objects_of(asked, "groupBy")
        ]
        measures = [self._measure(one) for one in objects_of(asked, "aggregations")]
        if not measures:
            raise QueryRefusalError("aggregations is empty.")
        inner = [f'"{column.alias}" AS g{at}' for at, (_, column) in enumerate(groups)]
        inner += [f"{measure.sql} AS m{at}" for at, measure in enumerate(measures)]
        having = self._having()
        by = f" GROUP BY {', '.join(_quoted(column) for _, column in groups)}" if groups else ""
        by += f" HAVING {having.sql}" if having.sql else ""
        order = order_sql(asked, lambda one: self._order(one, [column for _, column in groups]))
        source = f"SELECT {', '.join(inner)} FROM {question.table.name}{question.where}{by}{order}"  # noqa: S608 - names of the schema
        outer = row_sql(self._cells(groups, measures))
        sql = f"SELECT {outer} FROM ({source} LIMIT {self.limit})"  # noqa: S608 - names of the schema
        return Statement(sql=sql, params=(*question.filter.params, *having.params))

    def _cells(
        self, groups: Sequence[tuple[str, Column]], measures: Sequence[Measure]
    ) -> list[tuple[str, str]]:
        keys = [
            (name, self._group_cell(column, f"g{at}")) for at, (name, column) in enumerate(groups)
        ]
        cells = [("groupBy", row_sql(keys))] if keys else []
        return cells + [
            (one.key, self._measure_cell(one, f"m{at}")) for at, one in enumerate(measures)
        ]

    def _group_cell(self, column: Column, ref: str) -> str:
        style = self.question.style
        if column.kind is Kind.TEXT:
            return style.text(column, ref)
        if column.kind is Kind.DATE:
            return style.epoch(ref, self.zone_hours) if self.epoch_dates else style.date(ref)
        return amount_sql(ref, column.decimals)

    def _measure_cell(self, measure: Measure, ref: str) -> str:
        if measure.column.kind is Kind.TEXT:
            literal = self.question.style.text(measure.column, ref)
        else:
            literal = amount_sql(ref, measure.decimals)
        return f"CASE WHEN {ref} IS NULL THEN 'null' ELSE {literal} END"

    def _measure(self, wanted: dict[str, Any]) -> Measure:
        function, name = (
            str(wanted.get("aggregation") or "").upper(),
            str(wanted.get("column") or "*"),
        )
        if function not in _FUNCTIONS:
            raise QueryRefusalError(f"Invalid aggregation {function!r}.")
        if name == "*":
            if function != "COUNT":
                raise QueryRefusalError(f"{function} wants a column.")
            return Measure(key="COUNT", sql="COUNT(*)", column=_COUNT, decimals=0)
        column, key = self._column(wanted), f"{name}_{function}"
        if function in {"COUNT", "COUNT_DISTINCT"}:
            sql = _FUNCTIONS[function].format(_quoted(column))
            return Measure(key=key, sql=sql, column=_COUNT, decimals=0)
        if function in _ARITHMETIC and column.kind in {Kind.TEXT, Kind.DATE}:
            raise QueryRefusalError(f"{function} wants a numeric column, not {name}.")
        source, decimals = self._scaled(column)
        sql = _FUNCTIONS[function].format(source)
        return Measure(key=key, sql=sql, column=column, decimals=decimals)

    def _scaled(self, column: Column) -> tuple[str, int]:
        """The value to aggregate: by the data dictionary, or brought to one count of decimals."""
        if not (self.in_currency and column.by_currency):
            return _quoted(column), column.decimals
        money = self.question.style.money
        factors = {one: str(10 ** (DECIMALS_MOST - one)) for one in money.possible(column)}
        factor = by_decimals(money.decimals_sql(self.question.table, column), factors)
        return f"{_quoted(column)} * ({factor})", DECIMALS_MOST

    def _having(self) -> Filter:
        asked = self.question.wish.having
        if not asked:
            return Filter()
        if not isinstance(asked, dict):
            raise QueryRefusalError("having is not an object.")
        reader = ConditionReader(values=self.values, operand=self._operand)
        return reader.read_conditions(asked)

    def _operand(self, condition: dict[str, Any]) -> Operand:
        wanted = {**condition, "column": condition.get("controlId")}
        measure = self._measure(wanted)

        def literal(value: Decimal) -> str:
            return number_sql(value, measure.decimals)

        return Operand(sql=measure.sql, column=measure.column, literal=literal)

    def _order(self, wanted: dict[str, Any], groups: Sequence[Column]) -> str:
        if wanted.get("aggregation"):
            return self._measure(wanted).sql
        column = self._column(wanted)
        if column not in groups:
            raise QueryRefusalError(f"orderBy {wanted.get('column')!r} is no group.")
        return _quoted(column)

    def _column(self, wanted: dict[str, Any]) -> Column:
        return column_of(self.question.table, wanted.get("column"))


def _quoted(column: Column) -> str:
    return f'"{column.alias}"'
