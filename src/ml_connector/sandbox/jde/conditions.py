"""Conditions of queries as SQL: simple, complex, and those on aggregated values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.jde.columns import Column, Kind, Table
from ml_connector.sandbox.jde.literals import IgnoredConditionError, ValueReader
from ml_connector.sandbox.jde.money import Money, by_decimals, number_sql
from ml_connector.sandbox.jde.refusals import QueryRefusalError

CONDITIONS_MAX = 500
"""Each is a level of the expression, of which the database takes a thousand."""
VALUES_MAX = 10_000
_COMPARISONS = {
    "EQUAL": "=", "NOT_EQUAL": "<>", "LESS": "<", "LESS_EQUAL": "<=",
    "GREATER": ">", "GREATER_EQUAL": ">=",
}  # fmt: skip
_ANY, _ALL, _NONE = "MATCH_ANY", "MATCH_ALL", "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """What stands on the left of a condition, and how a number on the right compares with it."""

    sql: str
    column: Column
    literal: Callable[[Decimal], str]

    @property
    def blank(self) -> str:
        """The stored blank."""
        return "''" if self.column.kind is Kind.TEXT else "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A condition in SQL with its parameters; empty SQL restricts nothing."""

    sql: str = ""
    params: tuple[Any, ...] = ()

    def joined(self, word: str, other: Filter) -> Filter:
        """Return both conditions joined by AND or OR."""
        if not self.sql or not other.sql:
            return Filter(sql=self.sql or other.sql, params=(*self.params, *other.params))
        sql = f"({self.sql}) {word} ({other.sql})"
        return Filter(sql=sql, params=(*self.params, *other.params))


FindOperand = Callable[[dict[str, Any]], Operand]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionReader:
    """Turns the conditions of a request into SQL."""

    values: ValueReader
    operand: FindOperand

    def read_query(self, query: Any) -> Filter:
        """Return the filter of a `query` object: its conditions and its complex groups."""
        if query is None or query == "":
            return Filter()
        if not isinstance(query, dict):
            raise QueryRefusalError("query is not an object.")
        found = self.read_conditions(query)
        groups = Filter()
        for number, group in enumerate(_list_of(query, "complexQuery")):
            word = str(group.get("andOr", "AND")).upper()
            if word not in {"AND", "OR"}:
                raise QueryRefusalError(f"Invalid andOr {word!r}.")
            part = self.read_query(group.get("query"))
            groups = part if number == 0 else groups.joined(word, part)
        return found.joined("AND", groups)

    def read_conditions(self, query: dict[str, Any]) -> Filter:
        """Return the filter of the `condition` list under the match type."""
        match = str(query.get("matchType") or _ALL)
        if match not in {_ANY, _ALL}:
            raise QueryRefusalError(f"Invalid matchType {match!r}.")
        word = "OR" if match == _ANY else "AND"
        parts: list[str] = []
        params: list[Any] = []
        for condition in _list_of(query, "condition"):
            part = self._read_one(condition)
            if part.sql:
                parts.append(part.sql)
                params += part.params
        return Filter(sql=f" {word} ".join(f"({one})" for one in parts), params=tuple(params))

    def _read_one(self, condition: dict[str, Any]) -> Filter:
        operand = self.operand(condition)
        values = [one for one in _list_of(condition, "value", VALUES_MAX) if isinstance(one, dict)]
        try:
            return self._compare(operand, str(condition.get("operator") or ""), values)
        except IgnoredConditionError:
            return Filter()
        except ValueError as error:
            raise QueryRefusalError(str(error)) from error

    def _compare(self, operand: Operand, operator: str, values: list[dict[str, Any]]) -> Filter:
        if operator in _COMPARISONS:
            _verify_count(operator, values, 1)
            found = self._value(operand, values[0])
            return Filter(
                sql=f"{operand.sql} {_COMPARISONS[operator]} {found.sql}", params=found.params
            )
        if operator == "BETWEEN":
            _verify_count(operator, values, 2)
            low, high = (self._value(operand, one) for one in values)
            sql = f"{operand.sql} BETWEEN {low.sql} AND {high.sql}"
            return Filter(sql=sql, params=(*low.params, *high.params))
        if operator == "LIST":
            return self._compare_list(operand, values)
        if operator == "STR_BLANK":
            return Filter(sql=f"{operand.sql} = {operand.blank}")
        if operator == "STR_NOT_BLANK":
            return Filter(sql=f"{operand.sql} <> {operand.blank}")
        return self._compare_text(operand, operator, values)

    def _compare_list(self, operand: Operand, values: list[dict[str, Any]]) -> Filter:
        if not values:
            raise QueryRefusalError("Operator LIST has no values.")
        found = [self._value(operand, one) for one in values]
        params = tuple(param for one in found for param in one.params)
        return Filter(sql=f"{operand.sql} IN ({', '.join(v.sql for v in found)})", params=params)

    def _compare_text(
        self, operand: Operand, operator: str, values: list[dict[str, Any]]
    ) -> Filter:
        if operator not in {"STR_START_WITH", "STR_END_WITH", "STR_CONTAIN"}:
            raise QueryRefusalError(f"Invalid operator {operator!r}.")
        if operand.column.kind is not Kind.TEXT:
            raise QueryRefusalError(f"Operator {operator} wants a text column.")
        _verify_count(operator, values, 1)
        # A piece of a text is compared as it is; only whole values are padded before comparing.
        piece = str(values[0].get("content") or "")
        ref, count = operand.sql, len(piece)
        if operator == "STR_START_WITH":
            # The first half lets an index be used, the second decides.
            return Filter(
                sql=f"{ref} >= ? AND substr({ref}, 1, {count}) = ?", params=(piece, piece)
            )
        if operator == "STR_END_WITH":
            return Filter(sql=f"substr(rtrim({ref}), -{count or 1}) = ?", params=(piece,))
        return Filter(sql=f"instr({ref}, ?) > 0", params=(piece,))

    def _value(self, operand: Operand, value: dict[str, Any]) -> Filter:
        if operand.column.kind is Kind.TEXT:
            return Filter(sql="?", params=(self.values.text(operand.column, value),))
        if operand.column.kind is Kind.DATE:
            return Filter(sql=str(self.values.julian(value)))
        return Filter(sql=operand.literal(self.values.number(value)))


def column_operand(table: Table, column: Column, money: Money) -> Operand:
    """Return the operand of a plain column; amounts compare in the row's own decimals."""
    decimals, possible = money.decimals_sql(table, column), money.possible(column)

    def literal(value: Decimal) -> str:
        return by_decimals(decimals, {one: number_sql(value, one) for one in possible})

    return Operand(sql=f'"{column.alias}"', column=column, literal=literal)


def find_column(table: Table, name: object) -> Column | None:
    """Return the column of a bare or qualified name, or None."""
    qualifier, _, alias = str(name).rpartition(".")
    return table.by_alias.get(alias) if qualifier in {"", table.name} else None


def column_of(table: Table, name: object) -> Column:
    """Return the column of a bare or qualified name; refused where there is none."""
    column = find_column(table, name)
    if column is None:
        raise QueryRefusalError(f"Invalid column {name!r} for {table.name}.")
    return column


def _list_of(body: dict[str, Any], name: str, most: int = CONDITIONS_MAX) -> list[Any]:
    found = body.get(name)
    if found is None or found == "":
        return []
    if not isinstance(found, list) or len(found) > most:
        raise QueryRefusalError(f"{name} is no list of at most {most}.")
    if not all(isinstance(one, dict) for one in found):
        raise QueryRefusalError(f"{name} holds something that is no object.")
    return found


def _verify_count(operator: str, values: list[dict[str, Any]], wanted: int) -> None:
    if len(values) != wanted:
        raise QueryRefusalError(f"Operator {operator} wants {wanted} values, not {len(values)}.")
