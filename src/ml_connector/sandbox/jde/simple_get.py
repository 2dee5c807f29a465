"""The GET form of a query: `$filter`, `$field`, `$sort` and `$limit` in the address."""

from __future__ import annotations

from typing import Any

from ml_connector.sandbox.http import Request
from ml_connector.sandbox.jde.refusals import QueryRefusalError

_OPERATORS = {
    "EQ": "EQUAL", "NE": "NOT_EQUAL", "LT": "LESS", "GT": "GREATER", "LE": "LESS_EQUAL",
    "GE": "GREATER_EQUAL", "CONTAINS": "STR_CONTAIN",
}  # fmt: skip


def parse_address(request: Request) -> dict[str, Any]:
    """Return the body that the same query would have by POST."""
    values: dict[str, list[str]] = {}
    for key, value in request.query:
        values.setdefault(key, []).append(value)
    return {
        "targetName": request.params["target"],
        "targetType": request.params["kind"],
        "dataServiceType": "BROWSE",
        "findOnEntry": "TRUE",
        "outputType": (values.get("$outputType") or [""])[0],
        "returnControlIDs": "|".join(values.get("$field", [])),
        "maxPageSize": (values.get("$limit") or [""])[0],
        "query": {
            "matchType": (values.get("$filterType") or ["MATCH_ALL"])[0],
            "condition": [_condition(one) for one in values.get("$filter", [])],
        },
        "aggregation": {"orderBy": [_order(one) for one in values.get("$sort", [])]},
    }


def _condition(text: str) -> dict[str, Any]:
    column, _, rest = text.strip().partition(" ")
    word, _, content = rest.strip().partition(" ")
    if word.upper() not in _OPERATORS:
        raise QueryRefusalError(f"Invalid $filter {text!r}.")
    value = {"content": content.strip(), "specialValueId": "LITERAL"}
    return {"controlId": column, "operator": _OPERATORS[word.upper()], "value": [value]}


def _order(text: str) -> dict[str, str]:
    column, _, direction = text.strip().partition(" ")
    return {"column": column, "direction": direction.strip() or "ASC"}
