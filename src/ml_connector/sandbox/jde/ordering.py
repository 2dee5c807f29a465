"""The order a request asks for, and the order of keys that nobody may rely on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ml_connector.sandbox.jde.refusals import QueryRefusalError

_T = TypeVar("_T")


def order_sql(aggregation: dict[str, Any], expression: Callable[[dict[str, Any]], str]) -> str:
    """Return the ORDER BY clause of `orderBy`, or nothing."""
    parts = []
    for wanted in objects_of(aggregation, "orderBy"):
        direction = str(wanted.get("direction") or "ASC").upper()
        if direction not in {"ASC", "DESC"}:
            raise QueryRefusalError(f"Invalid direction {direction!r}.")
        parts.append(f"{expression(wanted)} {direction}")
    return f" ORDER BY {', '.join(parts)}" if parts else ""


def objects_of(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects in a body; absent counts as empty."""
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise QueryRefusalError(f"{name} is no list of objects.")
    return found


def shuffled(things: Sequence[_T], seed: str) -> list[_T]:
    """Return the things in another order than theirs, the same for the same seed."""
    mixed = list(things)
    random.Random(seed).shuffle(mixed)
    return mixed if mixed != list(things) else mixed[::-1]
