"""Connections: accounts at the systems, and whether they work. No secret is ever told."""

from typing import Any

from ninja import Router, Schema
from pydantic import Field

from ml_connector.ports import CheckState, Right
from ml_connector.web.api.shapes import Instant, PathName, finding
from ml_connector.web.guards import Asked, needs

router = Router()
OBJECTS_MAX = 5_000
"""Named things of one connection that are listed."""


class CheckOut(Schema):
    """One thing that was looked at, and what to do about it."""

    subject: str
    state: CheckState
    finding: str
    next_step: str
    code: str


class ConnectionTestOut(Schema):
    """What a look at a connection has found."""

    connection: str
    actor: str
    at: Instant
    milliseconds: int
    is_whole: bool
    checks: list[CheckOut]


class ConnectionOut(Schema):
    """A configured account at a system."""

    name: str
    kind: str
    flows: list[str]
    last: ConnectionTestOut | None = Field(description="Its newest test.")


class ConnectionsOut(Schema):
    """All of them, by name."""

    items: list[ConnectionOut]


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
    return {"items": request.house.list_connections()}


@router.post("/{name}/test", response=ConnectionTestOut, summary="Test a connection")
@needs(Right.RUN)
def test_connection(request: Asked, name: PathName) -> Any:
    """Reach, log-in and rights are tried at the system, which takes seconds; it is kept."""
    with finding():
        request.house.find_kind(name)
    return request.house.test_connection(name)


@router.get("/{name}/objects", response=ObjectsOut, summary="What flows can name of it")
@needs(Right.RUN)
def discover(request: Asked, name: PathName) -> dict[str, Any]:
    """Ledgers, value sets, lists, imports, exports, as the system has them now."""
    with finding():
        system = request.house.system(name)
    return {"items": list(system.discover())[:OBJECTS_MAX]}
