"""Finders: named queries with variables, and the ledgers and units a user may see."""

from __future__ import annotations

from typing import Any

from ml_connector.sandbox.company.suppliers import BUSINESS_UNITS
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Finder, Resource
from ml_connector.sandbox.switches import Switches


def parse_finder(resource: Resource, text: str) -> tuple[Finder, dict[str, str]]:
    """Return the finder and its variables; an unknown finder or variable is refused.

    The name ends at the semicolon, variables are parted by commas; the text has been decoded
    once, so a comma inside a value cannot be told from a separator.
    """
    name, _, rest = text.partition(";")
    finder = next((f for f in finders_of(resource) if f.name == name.strip()), None)
    if finder is None:
        raise RefusalError(400, f"The finder {name.strip()} is not valid.")
    variables = {}
    for part in (part for part in rest.split(",") if part.strip()):
        variable, _, value = part.partition("=")
        if variable.strip() not in finder.variables:
            raise RefusalError(400, f"The finder variable {variable.strip()} is not valid.")
        variables[variable.strip()] = value.strip()
    missing = sorted(finder.required - variables.keys())
    if missing:
        raise RefusalError(400, f"The finder variable {missing[0]} is required.")
    return finder, variables


def finders_of(resource: Resource) -> tuple[Finder, ...]:
    """Return the finders of a resource; one by primary key exists wherever the key shows."""
    if resource.key and all(finder.name != "PrimaryKey" for finder in resource.finders):
        own = Finder(name="PrimaryKey", variables={resource.key: resource.key})
        return (own, *resource.finders)
    return resource.finders


def visible_ledgers(switches: Switches, user: str) -> list[str] | None:
    """Return the ledgers a user may see, or None for all of them."""
    roles: dict[str, Any] | None = switches["data_roles"]
    return None if not roles or user not in roles else list(roles[user])


def visible_units(switches: Switches, user: str) -> list[int] | None:
    """Return the ids of the units whose suppliers a user may see, or None for all of them."""
    roles: dict[str, Any] | None = switches["supplier_roles"]
    if not roles or user not in roles:
        return None
    named = set(roles[user])
    return [unit.unit_id for unit in BUSINESS_UNITS if unit.name in named]
