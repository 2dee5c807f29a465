"""The process is tied to one records database: settings, migrations, connections.

Django is imported inside the functions only, so that commands without a database start at once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ml_connector.errors import SettingsError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

BUSY_TIMEOUT_S = 30
"""How long a SQLite writer lines up behind another before it gives up."""
CONNECT_TIMEOUT_S = 10
"""How long PostgreSQL may take to accept a connection."""
SILENCE_MAX_MS = 20_000
"""How long what was sent may stay unanswered by the server's machine before it counts as gone."""
CONNECTION_LIMITS = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "tcp_user_timeout": SILENCE_MAX_MS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""Without them a call to a machine that is out of reach would wait for hours; a URL may say
otherwise."""
KEPT_S = 300
"""How long a thread that answers pages keeps its connection to PostgreSQL: opening one takes as
long as a page. Whether it still lives is asked before it is used again."""
DEFAULT_ALIAS = "default"
IDLE_TRANSACTION_S = 10
"""How long a process that was frozen in the middle of a transaction keeps its locks on PostgreSQL:
whoever goes on with its runs may be waiting for them."""
BUDGET_ALIAS = "budget"
"""A second connection, for what a loss of power may take: grants of the request budget, whose short
transactions join no other, and the steps of runs."""

_opened: dict[BaseDatabaseWrapper, threading.Thread] = {}
"""Connections of this process and the thread each belongs to.

Django keeps them per thread and forgets them, open as they are, when the thread ends. A process has
one set of connections as it has one set of Django settings; hence a module's own state.
"""
_opened_lock = threading.Lock()


def configure(
    database_url: str, *, secret_key: str, pages: Mapping[str, Any] | None = None
) -> None:
    """The process works on this database; asking for the same one again changes nothing.

    Nothing is opened or created yet. Another database may be named only after `close()`.

    Args:
        database_url: `sqlite:///relative.db`, `sqlite:////absolute.db` or
            `postgresql://user:password@host:port/name`.
        secret_key: Signs sessions and tokens of the web pages.
        pages: Django's settings for them, the first ones given are kept; records need none.

    Raises:
        SettingsError: The URL is of another kind, or the process works on another database.
    """
    import django  # noqa: PLC0415 -- importing Django costs a third of a second
    from django.conf import settings  # noqa: PLC0415 -- as above

    databases = parse_database_url(database_url)
    if settings.configured:
        _point_to(databases)
        return
    base = _render_settings(databases, secret_key=secret_key)
    apps = [*base["INSTALLED_APPS"], *(pages or {}).get("INSTALLED_APPS", ())]
    settings.configure(**{**base, **(pages or {}), "INSTALLED_APPS": apps})
    django.setup()
    from django.db.backends.signals import connection_created  # noqa: PLC0415 -- as above

    connection_created.connect(_note_connection, dispatch_uid="ml_connector.records")


def migrate() -> None:
    """The schema is the one this version of the product works with; quick when it already is.

    Each migration is one transaction; a lock keeps several starting processes apart.

    Raises:
        SettingsError: The database was written by a newer version; nothing was changed.
        SystemUnavailableError: It cannot be opened, or is no database.
    """
    from ml_connector.records.migrating import migrate_database  # noqa: PLC0415 -- imports Django

    migrate_database()


def close() -> None:
    """No connection of this process to the database is open, whichever thread opened it.

    Call it when all threads are done; a thread that comes later opens a new connection.
    """
    with _opened_lock:
        for connection in list(_opened):
            _close_from_here(connection)
    if "django.db" in sys.modules:
        _forget_own()


def parse_database_url(database_url: str) -> dict[str, dict[str, Any]]:
    """Django's description of the database, once for records and once for the budget.

    Raises:
        SettingsError: The URL is neither SQLite nor PostgreSQL, or names no database.
    """
    parts = urlsplit(database_url)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path.removeprefix("/"):
        # A lost intent is a second load, so records waits for the disk; a grant or step is not.
        path = str(Path(unquote(parts.path.removeprefix("/"))).absolute())
        return {
            DEFAULT_ALIAS: _describe_sqlite(path, synchronous="FULL"),
            BUDGET_ALIAS: _describe_sqlite(path, synchronous="NORMAL"),
        }
    if parts.scheme in ("postgresql", "postgres") and parts.path.strip("/"):
        return {
            alias: _describe_postgresql(database_url) for alias in (DEFAULT_ALIAS, BUDGET_ALIAS)
        }
    raise SettingsError(
        f"The database URL of kind {parts.scheme or 'nothing'!r} is not understood.",
        written="Nothing was opened or created.",
        next_step="Use sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME.",
        kind=parts.scheme,
    )


def _describe_sqlite(path: str, *, synchronous: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": BUSY_TIMEOUT_S,
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA synchronous={synchronous};",
        },
    }


def _describe_postgresql(database_url: str) -> dict[str, Any]:
    parts = urlsplit(database_url)
    options: dict[str, Any] = {**CONNECTION_LIMITS, **dict(parse_qsl(parts.query))}
    idle = f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_S * 1000}"
    options["options"] = f"{idle} {options.get('options', '')}".strip()
    return {
        "ENGINE": "ml_connector.records.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": KEPT_S,
        "CONN_HEALTH_CHECKS": True,
    }


def _render_settings(databases: dict[str, dict[str, Any]], *, secret_key: str) -> dict[str, Any]:
    return {
        "SECRET_KEY": secret_key,
        "DATABASES": databases,
        "INSTALLED_APPS": [
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ml_connector.records",
        ],
        "AUTH_USER_MODEL": "records.User",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "PASSWORD_HASHERS": [
            "django.contrib.auth.hashers.Argon2PasswordHasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        ],
        # A user's name is unique within its organisation, and sign-in always names both.
        "SILENCED_SYSTEM_CHECKS": ["auth.E003", "auth.W004"],
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": False,
        "LOGGING_CONFIG": None,
    }


def _point_to(databases: dict[str, dict[str, Any]]) -> None:
    """Other settings for the same aliases, unless a connection is still open."""
    from django.db import connections  # noqa: PLC0415 -- importing Django costs a third of a second

    wanted = connections.configure_settings(databases)
    if wanted == connections.settings:
        return
    if any(connection.connection is not None for connection in _opened):
        raise SettingsError(
            f"This process works on the database {connections.settings[DEFAULT_ALIAS]['NAME']},"
            f" not on {databases[DEFAULT_ALIAS]['NAME']}.",
            written="Nothing was opened or written.",
            next_step="Use one state folder per process, or close the first one.",
        )
    for alias, described in wanted.items():
        if connections.settings[alias]["ENGINE"] == described["ENGINE"]:
            # In place: connections of other threads hold this very dictionary.
            connections.settings[alias].clear()
            connections.settings[alias].update(described)
        else:
            # Theirs are of another make, and would open a file of the other database's name.
            connections.settings[alias] = described
    _forget_own()


def _forget_own() -> None:
    """This thread asks anew where the database is, whichever thread may name the next one."""
    from django.db import connections  # noqa: PLC0415 -- importing Django costs a third of a second

    for alias in (DEFAULT_ALIAS, BUDGET_ALIAS):
        with suppress(AttributeError):  # Raised when this thread never asked for the alias.
            del connections[alias]


def _note_connection(connection: BaseDatabaseWrapper, **_: object) -> None:
    """The connection is known; those whose threads have ended are closed on the occasion."""
    with _opened_lock:
        for other, thread in list(_opened.items()):
            if not thread.is_alive():
                _close_from_here(other)
        _opened[connection] = threading.current_thread()


def _close_from_here(connection: BaseDatabaseWrapper) -> None:
    """Closed and forgotten, though another thread may have opened it."""
    connection.inc_thread_sharing()
    try:
        connection.close()
    finally:
        connection.dec_thread_sharing()
        _opened.pop(connection, None)
