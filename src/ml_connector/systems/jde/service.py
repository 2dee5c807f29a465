"""The data service as callers see it: one session, refusals told apart, reads begun anew."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from ml_connector.errors import ConnectorError, RunInterruptedError
from ml_connector.ports import Clock
from ml_connector.systems.calls import NOT_FOUND, ONE_TRY, CallTimeouts, RemoteReply
from ml_connector.systems.http import HttpClient, RemoteCall
from ml_connector.systems.jde import wire
from ml_connector.systems.jde.answers import FaultError, HiddenError, UnreadableError
from ml_connector.systems.jde.login import PATIENCE
from ml_connector.systems.jde.refusals import (
    TOKEN_REFUSED,
    RestartError,
    render_hidden,
    render_read_refused,
    render_trouble,
    verify_answered,
)
from ml_connector.systems.jde.session import JdeSession

T = TypeVar("T")

RESTARTS_MAX: Final = 5
"""Times a read is begun anew before its last failure is believed."""
RESTART_PAUSE_S: Final = 1.0
DENIAL_HOLDS: Final = timedelta(minutes=10)
"""For so long a refused table is not worth another log-in."""
DATA_TIMEOUTS: Final = CallTimeouts(connect_s=10, read_s=120)
PAGE_BYTES_MAX: Final = 192 * 1024 * 1024
"""Fifty thousand rows of all that is ever asked for."""
ORCHESTRATIONS: Final = "orchestrations"
_FORBIDDEN: Final = 403
_DEAD: Final = frozenset({401, TOKEN_REFUSED})
_DEAD_OR_DENIED: Final = _DEAD | {_FORBIDDEN}
_OWN: Final = frozenset({400, 401, 403, NOT_FOUND, 405, 406, 415, TOKEN_REFUSED, 500})
"""Statuses that are read here rather than by the chain."""
_JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_NO_BODY: Final = b"null"
"""What clients in the field send where nothing is to be said."""

_log = structlog.get_logger()


class DataService:
    """Sends reads of one server; safe to share between threads."""

    def __init__(
        self, http: HttpClient, session: JdeSession, *, root: str, system: str, clock: Clock
    ) -> None:
        self.session = session
        self.system = system
        self._http = http
        self._root = root
        self._clock = clock
        self._denied: dict[str, tuple[int, datetime]] = {}
        """Tables refused under a fresh session: its number, and when."""
        self._faulty: dict[str, int] = {}
        """Tables whose reading failed under a fresh session too, and its number."""

    def send(self, body: bytes, *, table: str) -> RemoteReply:
        """The answer to a read; a dead session is renewed once and the read replayed once.

        Raises:
            RestartError: Reading anew may help.
            ConnectorError: It will not.
        """
        return self._verify(replace(self._prepare_call("dataservice", table), content=body), table)

    def send_next(self, query: str, *, table: str) -> RemoteReply:
        """The answer behind a link, of which only the query is used (J-09).

        Sent once and never replayed: the link may be the same for each page, so a repeated one
        could lead past a page, and a new session does not know it (J-08).

        Raises:
            RestartError: Whatever failed; the pages before are of no more use.
            RunInterruptedError: A stop was asked for.
        """
        call = replace(
            self._prepare_call("dataservice/next", table),
            content=_NO_BODY, raw_query=query, patience=ONE_TRY, replays_after_401=False,
        )  # fmt: skip
        try:
            reply = self._http.send(call)
            verify_answered(reply, table=table)
        except RunInterruptedError:
            raise
        except RestartError as spoiled:
            raise RestartError(spoiled.error, in_link=True) from spoiled
        except ConnectorError as error:
            raise RestartError(error, in_link=True) from error
        return reply

    def read_discovered(self) -> RemoteReply:
        """The answer that lists orchestrations."""
        call = replace(self._prepare_call("discover", ORCHESTRATIONS), method="GET")
        return self._verify(call, ORCHESTRATIONS)

    def parse(self, reply: RemoteReply, parse: Callable[[bytes], T], *, table: str) -> T:
        """What the answer holds.

        Raises:
            RestartError: It is broken, or tells of a failure.
            ColumnHiddenError: Asked columns are missing.
        """
        try:
            return parse(reply.content)
        except UnreadableError as error:
            raise RestartError(render_trouble(reply, table=table, fault=str(error))) from error
        except FaultError as error:
            refused = render_read_refused(reply, table=table, words=str(error))
            is_expired = wire.EXPIRED_MARK in reply.content
            raise RestartError(refused, is_fault=not is_expired) from error
        except HiddenError as error:
            raise render_hidden(self.system, table, error.columns) from error

    def repeat(self, read: Callable[[], T], *, table: str) -> T:
        """The result of a read, begun anew from its start as often as it is spoiled.

        A failure that the server reports may come of a session whose other half has died (J-19):
        it gets one new session, and what stays then is believed while that session lives.
        """
        number = 0
        while True:
            number += 1
            self.session.read_grant()
            generation = self.session.generation
            try:
                result = read()
            except RestartError as spoiled:
                if number > RESTARTS_MAX:
                    raise spoiled.error from spoiled
                self._prepare_restart(spoiled, table=table, number=number, generation=generation)
            else:
                self._denied.pop(table, None)
                self._faulty.pop(table, None)
                return result

    def _prepare_restart(
        self, spoiled: RestartError, *, table: str, number: int, generation: int
    ) -> None:
        if spoiled.is_fault:
            if self._faulty.get(table) == self.session.generation:
                raise spoiled.error from spoiled
            self.session.renew(generation)
            self.session.read_grant()
            self._faulty[table] = self.session.generation
        _log.warning("jde.read_restarted", table=table, restart=number, error=spoiled.error.code)
        self._clock.sleep(RESTART_PAUSE_S * (number - 1))

    def _verify(self, call: RemoteCall, table: str) -> RemoteReply:
        reply = self._http.send(call)
        if reply.status == _FORBIDDEN and not self._is_denied(table):
            self._denied[table] = (self.session.generation, self._clock.now())
        verify_answered(reply, table=table)
        return reply

    def _is_denied(self, table: str) -> bool:
        generation, at = self._denied.get(table, (0, self._clock.now()))
        return generation == self.session.generation != 0 and self._clock.now() - at < DENIAL_HOLDS

    def _prepare_call(self, service: str, table: str) -> RemoteCall:
        return RemoteCall(
            method="POST",
            path=f"{self._root}/v2/{service}",
            headers=_JSON,
            is_repeatable=True,
            renews_on=_DEAD if self._is_denied(table) else _DEAD_OR_DENIED,
            accepted=_OWN,
            timeouts=DATA_TIMEOUTS,
            patience=PATIENCE,
            bytes_max=PAGE_BYTES_MAX,
        )
