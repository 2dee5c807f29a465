"""What a data request asks for, read leniently where real clients differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.jde.refusals import QueryRefusalError

PAGE_SIZE_DEFAULT = 100
UNLIMITED = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One data request; `names` is None where all columns are wanted."""

    target: str
    service: str
    names: tuple[str, ...] | None
    page_size: int
    pages: bool
    find: bool
    columns_only: bool
    output_type: str
    query: Any
    aggregation: dict[str, Any]
    having: Any


def parse_wish(body: dict[str, Any], *, version: int) -> Wish:
    """Return the wish of a request body; refused where it names no table or service."""
    query = body.get("query")
    auto_find = isinstance(query, dict) and is_true(query.get("autoFind"))
    return Wish(
        target=_target(body),
        service=_service(body),
        names=_names(body.get("returnControlIDs")),
        page_size=_page_size(body.get("maxPageSize")),
        pages=version >= 2 and is_true(body.get("enableNextPageProcessing")),
        find=auto_find or is_true(body.get("findOnEntry")),
        columns_only=is_true(body.get("formServiceDemo")),
        output_type=_output_type(body.get("outputType"), version),
        query=query,
        aggregation=_object(body, "aggregation"),
        having=body.get("having"),
    )


def is_true(value: object) -> bool:
    """Return whether a JSON boolean or a text says yes."""
    return value is True or str(value).strip().lower() == "true"


def _target(body: dict[str, Any]) -> str:
    target, kind = body.get("targetName"), str(body.get("targetType") or "table").lower()
    if not target or not isinstance(target, str):
        raise QueryRefusalError("targetName is missing.")
    if kind != "table":
        raise QueryRefusalError(f"There is no {kind} {target!r}.")
    return target


def _service(body: dict[str, Any]) -> str:
    service = str(body.get("dataServiceType") or "BROWSE").upper()
    if service not in {"BROWSE", "COUNT", "AGGREGATION"}:
        raise QueryRefusalError(f"Invalid dataServiceType {service!r}.")
    return service


def _names(value: object) -> tuple[str, ...] | None:
    names = tuple(one.strip() for one in str(value or "").split("|") if one.strip())
    return names or None


def _page_size(value: object) -> int:
    text = "" if value is None else str(value).strip()
    if not text:
        return PAGE_SIZE_DEFAULT
    if text.lower() == "no max":
        return UNLIMITED
    if not text.isdigit() or int(text) < 1:
        raise QueryRefusalError(f"Invalid maxPageSize {text!r}.")
    return min(int(text), UNLIMITED)


def _output_type(value: object, version: int) -> str:
    wanted = str(value or "").upper()
    if not wanted:
        return "GRID_DATA" if version >= 2 else "VERSION1"
    if wanted not in {"GRID_DATA", "VERSION1", "VERSION2"}:
        raise QueryRefusalError(f"Output type {wanted!r} is not available.")
    return wanted


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name) or {}
    if not isinstance(found, dict):
        raise QueryRefusalError(f"{name} is not an object.")
    return found
