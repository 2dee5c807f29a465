"""Connections: accounts at the systems, and whether they work. No secret is ever told."""

from typing import Any

from ninja import Router, Schema

from ml_connector.ports import CheckState, Right
from ml_connector.web.api.shapes import PathName, finding
from ml_connector.web.guards import Asked, needs

router = Router()
OBJECTS_MAX = 5_000
"""Named things of one connection that are listed."""


class ConnectionOut(Schema):
    """A configured account at a system."""

    name: str
    kind: str


class ConnectionsOut(Schema):
    """All of them, by name."""

    items: list[ConnectionOut]


class CheckOut(Schema):
    """One thing that was looked at, and what to do about it."""

    subject: str
    state: CheckState
    finding: str
    next_step: str
    code: str


class ChecksOut(Schema):
    """All that was looked at."""

    items: list[CheckOut]


class ObjectOut(Schema):
    """Something of a system that flows can name."""

    kind: str
    name: str
    remote_id: str
    detail: str


class ObjectsOut(Schema):
    """What can be named."""

    items: list[ObjectOut]


@router.get("", response=ConnectionsOut, summary="Every connection")
@needs(Right.SEE)
def list_connections(request: Asked) -> dict[str, Any]:
    """By name."""
    house = request.house
    names = sorted(house.project.connections)
    return {"items": [{"name": name, "kind": house.find_kind(name)} for name in names]}


@router.get("/{name}/checks", response=ChecksOut, summary="Whether a connection works")
@needs(Right.RUN)
def check_connection(request: Asked, name: PathName) -> dict[str, Any]:
    """Reach, log-in and rights are tried at the system; this takes seconds."""
    with finding():
        system = request.house.system(name)
    return {"items": list(system.check())}


@router.get("/{name}/objects", response=ObjectsOut, summary="What flows can name of it")
@needs(Right.RUN)
def discover(request: Asked, name: PathName) -> dict[str, Any]:
    """Ledgers, value sets, lists, imports, exports, as the system has them now."""
    with finding():
        system = request.house.system(name)
    return {"items": list(system.discover())[:OBJECTS_MAX]}
