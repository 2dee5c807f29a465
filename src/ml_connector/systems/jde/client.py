"""What can be asked of one AIS server; rows come out as plain tuples."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

import httpx2
import structlog

from ml_connector.ports import Clock, RequestBudget, Secrets, SessionStore
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.http import HttpClient, HttpOptions
from ml_connector.systems.jde import wire
from ml_connector.systems.jde.answers import decode_as, is_object
from ml_connector.systems.jde.conditions import AggregateQuery, GroupRow, Query, Row, Where
from ml_connector.systems.jde.config import (
    OrchestrationRow,
    ServerConfig,
    SessionInfo,
    map_orchestration,
    read_config,
)
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.dates import decode_date
from ml_connector.systems.jde.grouping import read_checked
from ml_connector.systems.jde.login import JdeLogin
from ml_connector.systems.jde.orchestrations import build_call
from ml_connector.systems.jde.paging import PageReader
from ml_connector.systems.jde.refusals import redact
from ml_connector.systems.jde.service import ORCHESTRATIONS, DataService
from ml_connector.systems.jde.session import JdeSession
from ml_connector.systems.jde.windows import read_windows

__all__ = ["JdeClient", "OrchestrationRow", "ServerConfig", "SessionInfo", "decode_date"]

ResultT = TypeVar("ResultT")
SERVER_FAULT: Final = 500

_log = structlog.get_logger()


class JdeClient:
    """Reads one AIS server; safe to share between threads; close it when done.

    Nobody logs in before the first call that needs it. There is one session however many threads
    ask; `close` ends it.
    """

    def __init__(
        self,
        settings: JdeSettings,
        *,
        clock: Clock,
        secrets: Secrets,
        sessions: SessionStore | None = None,
        budget: RequestBudget | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.system = f"JDE ({settings.name})"
        self._root = settings.root
        options = _build_options(settings, system=self.system)
        self._gate = HttpClient(options, clock=clock, budget=budget, transport=transport)
        # Ends sessions even when a stop was asked for, so no budget can hold it back.
        self._exit = HttpClient(options, clock=clock, transport=transport)
        login = JdeLogin(settings, self._gate, exit_http=self._exit, secrets=secrets)
        self._session = JdeSession(
            login, name=settings.name, device=settings.device, clock=clock, store=sessions
        )
        self._http = HttpClient(
            _build_options(settings, system=self.system, session=self._session),
            clock=clock,
            budget=budget,
            authorizer=self._session,
            transport=transport,
        )
        self._service = DataService(
            self._http, self._session, root=settings.root, system=self.system, clock=clock
        )
        self._pages = PageReader(self._service, page_size=settings.page_size)

    def close(self) -> None:
        """The session is ended or will end by itself, every connection is closed; never raises."""
        try:
            self._session.close()
        except Exception as error:  # noqa: BLE001 - the work is done; only the courtesy failed.
            _log.warning("jde.close_failed", system=self.system, error=type(error).__name__)
        for http in (self._http, self._exit, self._gate):
            http.close()

    @property
    def fetch_limit(self) -> int | None:
        """Rows behind which the server cuts a read off; None while it has not done so."""
        return self._pages.fetch_limit

    def read_config(self) -> ServerConfig:
        """What the server tells without a log-in.

        Raises:
            ServiceMissingError: There is no AIS server at the address.
            SystemUnavailableError: It does not answer.
        """
        return read_config(self._gate, root=self._root)[0]

    def read_server_time(self) -> datetime | None:
        """The server's own time, from a call without log-in; None when it does not tell."""
        return read_config(self._gate, root=self._root)[1].server_date

    def read_session(self) -> SessionInfo:
        """Who is logged in, and how that user writes; logs in if nobody is.

        Raises:
            CredentialsError: The log-in is refused.
            SystemUnavailableError: The server does not answer.
        """
        grant = self._session.read_grant()
        return SessionInfo(
            user=grant.user,
            environment=grant.environment,
            role=grant.role,
            date_format=grant.date_format,
            decimal_format=grant.decimal_format,
            is_password_expiring=grant.is_password_expiring,
            logins=self._session.generation,
        )

    def browse(self, query: Query) -> list[Row]:
        """Every row of the query, read whole; values in the order of its columns.

        Raises:
            TruncatedError: The server holds rows back; read in windows.
            ColumnHiddenError: Asked columns are missing from the answer.
            TableDeniedError: The user may not read the table.
            SystemUnavailableError: The server does not answer, after every allowed try.
        """
        return self._pages.read(query)

    def browse_beginning(self, query: Query, *, rows: int) -> tuple[list[Row], bool]:
        """At most so many first rows of the query, and whether there are more.

        Raises:
            ColumnHiddenError: Asked columns are missing from the answer.
            TableDeniedError: The user may not read the table.
            SystemUnavailableError: The server does not answer, after every allowed try.
        """
        return self._pages.read_beginning(query, rows=rows)

    def browse_windows(
        self, query: Query, *, split_by: str | tuple[str, ...]
    ) -> Iterator[list[Row]]:
        """Yield the rows of the query in windows the server gives whole, each row in one of them.

        Args:
            query: May match more rows than the server gives at once.
            split_by: Numeric column whose ranges make the windows; of several, the next divides
                the rows of one value of those before.

        Raises:
            TruncatedError: One value of the columns has more rows than the server gives.
        """
        return read_windows(self, query, split_by=split_by)

    def count(self, table: str, conditions: Collection[Where] = ()) -> int:
        """How many rows of the table the conditions fit."""

        def read() -> int:
            render_date = self._session.read_grant().render_date
            body = wire.render_count(table, conditions, render_date=render_date)
            reply = self._service.send(body, table=table)
            return self._service.parse(
                reply, lambda content: wire.parse_count(content, table), table=table
            )

        return self._service.repeat(read, table=table)

    def aggregate(self, query: AggregateQuery) -> list[GroupRow]:
        """Every group of the query; their counts add up to a count of the same rows.

        Raises:
            GroupsCutError: The server lists fewer groups than there are.
            ColumnHiddenError: A column or figure is missing from the answer.
        """
        if not (query.is_checked and query.groups):
            return self.read_groups(query)
        return read_checked(self, query)

    def read_groups(self, query: AggregateQuery) -> list[GroupRow]:
        """The groups as the server lists them, which may be fewer than there are."""

        def read() -> list[GroupRow]:
            render_date = self._session.read_grant().render_date
            body = wire.render_aggregate(query, render_date=render_date)
            reply = self._service.send(body, table=query.table)
            return self._service.parse(
                reply, lambda content: wire.parse_groups(content, query), table=query.table
            )

        return self._service.repeat(read, table=query.table)

    def discover(self) -> list[OrchestrationRow]:
        """The orchestrations the user may call."""

        def read() -> list[OrchestrationRow]:
            reply = self._service.read_discovered()
            listed = self._service.parse(
                reply,
                lambda content: decode_as(content, wire.DiscoverReply),
                table=ORCHESTRATIONS,
            )
            return [map_orchestration(part) for part in listed.orchestrations or []]

        return self._service.repeat(read, table=ORCHESTRATIONS)

    def run_orchestration(
        self, name: str, content: bytes, *, timeout_s: float, renews_on: frozenset[int]
    ) -> RemoteReply:
        """The answer to one sending, whatever its status; nothing is ever sent twice.

        After a status of `renews_on` the next call, of any kind, logs in anew.

        Raises:
            SystemUnavailableError: The server was not reached; nothing was sent.
            OutcomeUnknownError: It was sent, and no whole answer came.
        """
        call = build_call(self._root, name, content, timeout_s=timeout_s)
        return self._http.send(replace(call, renews_on=renews_on))


def _build_options(
    settings: JdeSettings, *, system: str, session: JdeSession | None = None
) -> HttpOptions:
    return HttpOptions(
        system=system,
        origin=settings.origin,
        ca_bundle=settings.ca_bundle,
        budget_key=settings.budget_key(),
        explain=_explain,
        connections_max=settings.parallel_max + 1,
        is_passing=_is_passing,
        on_cookies=None if session is None else session.record_cookies,
    )


def _explain(content: bytes) -> str:
    return redact(wire.find_error_text(content))


def _is_passing(reply: RemoteReply) -> bool:
    """Whether a 500 comes from the container around a server that is starting or stopping.

    The AIS server's own failures are JSON (J-19).
    """
    return reply.status == SERVER_FAULT and not is_object(reply.content)
