"""Connections to PostgreSQL that notice when the server is away, and open anew by themselves.

Django finds the class by this module's name. It keeps a broken connection until a web request ends;
here none ends, so every later call would fail on it. What a call meets is told apart in one place:
a server that is gone, restarting or out of reach becomes `RecordsAwayError`, whatever the driver
calls it and whichever store asked; everything else stays Django's.
"""

import time
from contextlib import suppress
from functools import cached_property, partial
from types import TracebackType
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper

from ml_connector.errors import DatabaseAwayError

_driver: Any = base.DatabaseWrapper.Database
"""As Django has found it; the driver comes with an extra."""
DOUBTED_AFTER_S = 1.0
"""A connection that nobody used for longer is asked for a sign of life before it is used."""
PROBE_TIMEOUT_S = 2
"""How long a look whether the server is back may take; the driver takes no less."""
FAULT_SHOWN_MAX = 200
"""Characters of the driver's words that an error quotes."""
GONE_STATES = frozenset(
    {
        "25P03",  # The session stood still in a transaction for too long, and was ended.
        "57P01", "57P02", "57P03", "57P05",  # Stopped, crashed, starting, ended for idleness.
        "53300",  # Everybody comes back at once after a restart.
    }
)  # fmt: skip
CONNECTION_FAULTS = "08"
"""How SQL states of broken connections begin."""


class RecordsAwayError(DatabaseAwayError, OperationalError):
    """The records database does not answer.

    Also one of Django's own errors, so that Django cleans up behind it.
    """

    code = "records.away"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection of one thread to PostgreSQL."""

    _used_at = 0.0

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        """Translates the driver's errors; also those of opening a connection."""
        return AwayWrapper(self)

    def connect(self) -> None:
        """A new connection, which nobody doubts."""
        self.autocommit = False
        super().connect()

    def drop(self) -> None:
        """The connection is closed, and the next call outside of a transaction opens another."""
        with suppress(Exception):
            self.close()
        # Else the end of a transaction would open a connection, to no purpose.
        self.closed_in_transaction = True

    def set_autocommit(self, *args: Any, **kwargs: Any) -> None:
        """A transaction begins or ends; it begins on a living connection."""
        self._doubt()
        super().set_autocommit(*args, **kwargs)

    def _cursor(self, name: str | None = None) -> Any:
        self._doubt()
        return super()._cursor(name)  # type: ignore[misc]  # the stubs leave it out

    def _doubt(self) -> None:
        """Let Django check a connection that may have died unnoticed, outside of transactions."""
        now = time.monotonic()
        if self.autocommit and not self.in_atomic_block and now - self._used_at > DOUBTED_AFTER_S:
            self.health_check_done = False
        self._used_at = now


class AwayWrapper(DatabaseErrorWrapper):
    """Django's translation of errors, and ours of a server that is away."""

    wrapper: DatabaseWrapper

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, _driver.Error) or not self._is_away(error):
            super().__exit__(kind, error, trace)
            return
        wrapper = self.wrapper
        wrapper.errors_occurred = True
        told = _render_away(wrapper, error)
        wrapper.drop()
        _drop_idle()
        raise told.with_traceback(trace) from error

    def _is_away(self, error: Any) -> bool:
        state = error.sqlstate or ""
        if state in GONE_STATES or state.startswith(CONNECTION_FAULTS):
            return True
        raw = self.wrapper.connection
        is_open = raw is not None and not raw.closed
        return not is_open and isinstance(error, (_driver.OperationalError, _driver.InterfaceError))


def _drop_idle() -> None:
    """This thread's other connections go too: they lead to the same server."""
    for other in connections.all(initialized_only=True):
        if isinstance(other, DatabaseWrapper) and not other.in_atomic_block:
            other.drop()


def _render_away(wrapper: DatabaseWrapper, error: Any) -> RecordsAwayError:
    parameters = wrapper.get_connection_params()
    place = ":".join(str(parameters[key]) for key in ("host", "port") if parameters.get(key))
    where = f"{parameters.get('dbname', '')} at {place or 'this machine'}"
    words = " ".join(str(error).split())[:FAULT_SHOWN_MAX].rstrip(".") or type(error).__name__
    return RecordsAwayError(where, words, is_back=partial(is_answering, parameters))


def is_answering(parameters: dict[str, Any]) -> bool:
    """Whether the server takes a connection now and answers a question on it."""
    try:
        with _driver.connect(**{**parameters, "connect_timeout": PROBE_TIMEOUT_S}) as probe:
            probe.execute("SELECT 1")
    except _driver.Error:
        return False
    return True
