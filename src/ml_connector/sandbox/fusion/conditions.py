"""Comparisons of attributes with literals, turned into SQL with bound values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Attribute, Resource
from ml_connector.sandbox.fusion.stamps import parse_day, parse_stamp
from ml_connector.sandbox.switches import Switches

_SQL_OPERATORS = {"=": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_GLOB_ESCAPES = str.maketrans({"[": "[[]", "?": "[?]", "%": "*"})
_TRUE = frozenset({"true", "y", "1"})
_FALSE = frozenset({"false", "n", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A piece of a WHERE with its values."""

    sql: str
    params: tuple[Any, ...] = ()


EVERYTHING = Clause(sql="1")
NOTHING = Clause(sql="0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """An attribute as it stands in a condition, perhaps inside upper() or lower()."""

    attribute: Attribute
    function: str = ""

    @property
    def sql(self) -> str:
        """The column, with its function around it."""
        column = self.attribute.column
        if self.attribute.kind == "number":
            column = f"CAST({column} AS NUMERIC)"
        return f"{self.function}({column})" if self.function else column


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Makes clauses for one resource; what the resource does not allow is refused with 400."""

    resource: Resource
    switches: Switches

    def operand(self, name: str, function: str = "") -> Operand:
        """Return the queryable attribute called `name`."""
        attribute = find_attribute(self.resource, name, self.switches)
        if attribute is None:
            raise RefusalError(400, f"The attribute {name} in parameter q is not valid.")
        if attribute.query_switch and not self.switches[attribute.query_switch]:
            raise RefusalError(400, f"The attribute {name} in parameter q is not queryable.")
        if not attribute.queryable:
            raise RefusalError(400, f"The attribute {name} in parameter q is not queryable.")
        return Operand(attribute=attribute, function=function)

    def compare(self, operand: Operand, operator: str, literal: str) -> Clause:
        """Return the clause of one comparison; `like` takes * and % as wildcards."""
        if operator.lower() == "like":
            column = operand.sql
            return Clause(sql=f"{column} GLOB ?", params=(literal.translate(_GLOB_ESCAPES),))
        mark = "CAST(? AS NUMERIC)" if operand.attribute.kind == "number" else "?"
        sql = f"{operand.sql} {_SQL_OPERATORS[operator]} {mark}"
        return Clause(sql=sql, params=(self._value(operand.attribute, literal),))

    def is_null(self, operand: Operand, *, negated: bool) -> Clause:
        """Return the clause that asks for an empty attribute, or for a filled one."""
        return Clause(sql=f"{operand.sql} IS {'NOT ' if negated else ''}NULL")

    def _value(self, attribute: Attribute, literal: str) -> Any:
        try:
            return _parse_value(attribute, literal, str(self.switches["session_zone"]))
        except (ValueError, InvalidOperation):
            raise RefusalError(
                400, f"The value {literal!r} does not fit the attribute {attribute.name}."
            ) from None


def find_attribute(resource: Resource, name: str, switches: Switches) -> Attribute | None:
    """Return the attribute with this name; letters count unless the switch says otherwise."""
    exact = resource.find_attribute(name)
    if exact is not None or switches["attribute_case"] == "sensitive":
        return exact
    lowered = name.lower()
    return next((attr for attr in resource.attributes if attr.name.lower() == lowered), None)


def join_clauses(clauses: Iterable[Clause], word: str = "AND") -> Clause:
    """Return the clauses joined; nothing to join is everything."""
    listed = list(clauses)
    if not listed:
        return EVERYTHING
    sql = f" {word} ".join(f"({clause.sql})" for clause in listed)
    return Clause(sql=sql, params=tuple(param for clause in listed for param in clause.params))


def negate(clause: Clause) -> Clause:
    """Return the clause that holds where the other does not."""
    return Clause(sql=f"NOT ({clause.sql})", params=clause.params)


def _parse_value(attribute: Attribute, literal: str, session_zone: str) -> Any:
    match attribute.kind:
        case "integer":
            return int(literal)
        case "number":
            return str(Decimal(literal))
        case "date":
            return parse_day(literal)
        case "datetime":
            return parse_stamp(literal, session_zone=session_zone)
        case "boolean":
            return _parse_boolean(literal)
        case _:
            return literal


def _parse_boolean(literal: str) -> int:
    lowered = literal.lower()
    if lowered not in _TRUE | _FALSE:
        raise ValueError(literal)
    return 1 if lowered in _TRUE else 0
