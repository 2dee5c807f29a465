"""`q` of framework version 1: conditions joined by semicolons, nothing else.

There is no `and`. Everything up to the next semicolon is the value, so a client that writes
`A=1 and B=2` compares A with the text `1 and B=2` and is answered with no rows and no error.
"""

from __future__ import annotations

import re

from ml_connector.sandbox.fusion.conditions import NOTHING, Clause, Conditions, join_clauses
from ml_connector.sandbox.fusion.refusals import RefusalError

_CONDITION = re.compile(
    r"\s*(?P<name>\w+)\s*(?P<operator><=|>=|<>|!=|=|<|>|\blike\b)\s*(?P<value>.*?)\s*",
    re.IGNORECASE | re.DOTALL,
)
_AND = re.compile(r"\sand\s", re.IGNORECASE)
_LITERAL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")


def parse_example_query(text: str, conditions: Conditions) -> Clause:
    """Return the clause of a version 1 `q`."""
    parts = [part for part in split_outside_quotes(text, ";") if part.strip()]
    return join_clauses(_parse_condition(part, conditions) for part in parts)


def split_outside_quotes(text: str, mark: str) -> list[str]:
    """Return the pieces of `text` between marks that no quotes protect."""
    pieces, start, quote = [], 0, ""
    for index, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == mark:
            pieces.append(text[start:index])
            start = index + 1
    return [*pieces, text[start:]]


def _parse_condition(part: str, conditions: Conditions) -> Clause:
    match = _CONDITION.fullmatch(part)
    if match is None:
        raise RefusalError(400, f"The expression {part.strip()!r} in parameter q is not valid.")
    operand = conditions.operand(match["name"])
    value = match["value"]
    if _LITERAL.fullmatch(value):
        return conditions.compare(operand, match["operator"], _unquote(value, conditions))
    if _AND.search(value):
        return _joined_by_and(part, conditions)
    return conditions.compare(operand, match["operator"], value)


def _joined_by_and(part: str, conditions: Conditions) -> Clause:
    if conditions.switches["and_in_example_query"] == "refuse":
        raise RefusalError(400, f"The expression {part.strip()!r} in parameter q is not valid.")
    return NOTHING


def _unquote(literal: str, conditions: Conditions) -> str:
    if literal.startswith('"') and conditions.switches["double_quotes"] == "refused":
        raise RefusalError(400, f"The literal {literal} in parameter q is not valid.")
    quote = literal[0]
    return literal[1:-1].replace(quote * 2, quote)
