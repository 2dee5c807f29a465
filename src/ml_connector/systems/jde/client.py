"""What can be asked of one AIS server; rows come out as plain tuples."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx2

from ml_connector.ports import Clock, RequestBudget, Secrets, SessionStore
from ml_connector.systems.jde.conditions import AggregateQuery, GroupRow, Query, Row, Where
from ml_connector.systems.jde.connection import JdeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What the server tells everybody.

    Attributes:
        version: Of the Tools release, as it writes it.
        capabilities: Names of what it can do.
        api: "v2", or "v1" for servers too old to be read.
        session_timeout_minutes: Idle minutes after which a log-in ends; None: not said.
        time_to_live_minutes: Minutes after which a log-in ends in any case; None: not said.
        default_environment: Where a log-in without environment leads.
    """

    version: str
    capabilities: frozenset[str]
    api: str
    session_timeout_minutes: int | None
    time_to_live_minutes: int | None
    default_environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """What a log-in told; `logins` counts those of this client so far."""

    user: str
    environment: str
    role: str
    date_format: str
    decimal_format: str
    is_password_expiring: bool
    logins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationRow:
    """An orchestration the user may call."""

    name: str
    description: str
    input_format: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class JdeClient(Protocol):
    """Reads one AIS server; safe to share between threads; close it when done."""

    def __init__(
        self,
        settings: JdeSettings,
        *,
        clock: Clock,
        secrets: Secrets,
        sessions: SessionStore | None = None,
        budget: RequestBudget | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None: ...

    def close(self) -> None:
        """The session is given back and every connection closed; never raises."""

    def read_config(self) -> ServerConfig:
        """What the server tells without a log-in."""

    def read_session(self) -> SessionInfo:
        """Who is logged in; logs in if nobody is."""

    def read_server_time(self) -> datetime | None:
        """The server's own time; None when it does not tell."""

    def browse(self, query: Query) -> list[Row]:
        """Every row of the query."""

    def browse_windows(self, query: Query, *, split_by: str) -> Iterator[list[Row]]:
        """Yield every row, in windows small enough for the server."""

    def count(self, table: str, conditions: Collection[Where] = ()) -> int:
        """How many rows the conditions fit."""

    def aggregate(self, query: AggregateQuery) -> list[GroupRow]:
        """Every group of the query."""

    def discover(self) -> list[OrchestrationRow]:
        """The orchestrations the user may call."""
