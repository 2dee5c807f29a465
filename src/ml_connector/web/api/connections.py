"""Connections: accounts at the systems, and whether they work. No secret is ever told."""

from typing import Any

from ninja import Router, Schema
from pydantic import Field

from ml_connector.ports import CheckState, Right
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    cut_page,
    name_row,
    read_number,
    walk_page,
)
from ml_connector.web.api.shapes import Document, Instant, PathName, finding
from ml_connector.web.guards import Asked, needs

router = Router()
CHECKS_MAX = 1_000
"""Things looked at in one go."""
USES_MAX = 100
"""Secrets one connection logs in with."""
MINUTES_MAX = 2_000
"""Minutes of a day that are told, and some to spare."""


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
    checks: list[CheckOut] = Field(max_length=CHECKS_MAX)


class ConnectionOut(Schema):
    """A configured account at a system."""

    name: str
    kind: str
    flows: list[str]
    last: ConnectionTestOut | None = Field(description="Its newest test.")


class CertificateOut(Schema):
    """When a connection's certificate ends, and what is being closed then."""

    ends_at: Instant | None = Field(description="null: it cannot be read.")
    place: str = Field(description="That day in the close calendar.")
    is_soon: bool
    problem: str


class SecretUseOut(Schema):
    """A secret a connection logs in with; never its text."""

    setting: str
    reference: str
    key_id: str
    saved_at: Instant | None
    is_missing: bool


class MinuteOut(Schema):
    """Requests that were granted in one minute."""

    minute: Instant
    requests: int


class ConnectionInFull(ConnectionOut):
    """A connection with everything known of it; no other system is asked."""

    settings: Document
    secrets: list[SecretUseOut] = Field(max_length=USES_MAX)
    certificate: CertificateOut | None
    budget_key: str = Field(description="Of its requests: GET /api/v1/limits/requests.")
    minutes: list[MinuteOut] = Field(max_length=MINUTES_MAX, description="Of the last day.")


class TestOut(ConnectionTestOut):
    """A look at a connection that was kept."""

    number: int


class ChecksOut(Schema):
    """All that was looked at."""

    checks: list[CheckOut] = Field(max_length=CHECKS_MAX)


class ObjectOut(Schema):
    """Something of a system that flows can name."""

    kind: str
    name: str
    remote_id: str
    detail: str


@router.get("", response=Page[ConnectionOut], summary="Every connection, by name")
@needs(Right.SEE)
def list_connections(
    request: Asked, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """With what its last test found."""
    rows = request.house.list_connections()
    return walk_page(rows, after=after, limit=limit, find_key=lambda one: one.name)


@router.get("/{name}", response=ConnectionInFull, summary="One connection")
@needs(Right.SEE)
def show_connection(request: Asked, name: PathName) -> dict[str, Any]:
    """Settings, secrets by name, when its certificate ends."""
    with finding():
        found = request.house.view_connection(name)
    view = found.view
    end = view.certificate
    return {
        "name": view.name, "kind": view.kind, "flows": list(view.flows), "last": view.last,
        "budget_key": view.budget_key, "settings": found.settings,
        "secrets": found.secrets[:USES_MAX], "minutes": found.minutes[-MINUTES_MAX:],
        "certificate": end and {
            "ends_at": end.ends_at, "place": end.place.render() if end.place else "",
            "is_soon": end.is_soon, "problem": end.problem,
        },
    }  # fmt: skip


@router.get("/{name}/tests", response=Page[TestOut], summary="Tests of a connection, newest first")
@needs(Right.SEE)
def list_tests(
    request: Asked, name: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """What each has found."""
    with finding():
        request.house.find_kind(name)
    rows = request.house.records.connections.load_tests(
        name, before=read_number(after), limit=limit + 1
    )
    return cut_page(rows, limit=limit, find_key=lambda one: str(one.number))


@router.post("/{name}/test", response=ConnectionTestOut, summary="Test a connection")
@needs(Right.RUN)
def test_connection(request: Asked, name: PathName) -> Any:
    """Reach, log-in and rights are tried at the system, which takes seconds; it is kept."""
    with finding():
        request.house.find_kind(name)
    return request.house.test_connection(name)


@router.get("/{name}/objects", response=Page[ObjectOut], summary="What flows can name of it")
@needs(Right.RUN)
def discover(
    request: Asked, name: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Ledgers, value sets, lists, imports, exports, as the system has them now.

    The system is asked for each page.
    """
    with finding():
        system = request.house.system(name)
    found = sorted(system.discover(), key=_order)
    return walk_page(found, after=after, limit=limit, find_key=lambda one: name_row(*_order(one)))


def _order(one: Any) -> tuple[str, str, str, str]:
    return one.kind, one.name, one.remote_id, one.detail
