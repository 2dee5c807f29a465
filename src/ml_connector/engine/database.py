"""The engine's own database: a SQLite file, or PostgreSQL when many workers share the work."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

BUSY_TIMEOUT_MS = 30_000
CONNECTION_LIMITS = {
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}
"""How soon a connection to PostgreSQL that gets no answer is given up.

Sooner than a silent process counts as dead: after minutes out of reach everybody is back before
anybody is missed.
"""


def find_sqlite_file(database_url: str) -> Path | None:
    """The file of a SQLite URL; None for other databases."""
    url = sa.make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return None
    assert url.database, "the engine's SQLite database is a file"
    return Path(url.database)


def bound_connections(database_url: str) -> str:
    """The URL with our limits of connections, where it does not name its own; SQLite has none."""
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return database_url
    bounded = url.update_query_dict({**CONNECTION_LIMITS, **url.query})
    return bounded.render_as_string(hide_password=False)


def create_strict_engine(database_url: str) -> sa.Engine:
    """A SQLite engine whose every transaction takes the write lock at its beginning.

    The driver by itself opens the transaction at the first write, so that DBOS would count a
    queue's running jobs outside of it and let two start. The schema must exist: the migrator opens
    transactions of its own.
    """
    engine = sa.create_engine(database_url)
    sa.event.listen(engine, "connect", _prepare_connection)
    sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_connection(connection: Any, _: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
