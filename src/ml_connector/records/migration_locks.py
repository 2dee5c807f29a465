"""Locks of a migration: against other processes that migrate, and towards those that write.

While a statement waits for a table that somebody else writes to, everybody who comes later waits
behind it. So it waits for a short time only, gives way, and is tried again.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError, connection

from ml_connector.errors import BusyError

MIGRATION_LOCK = 7_340_117_001
"""Number of the PostgreSQL advisory lock that one migrating process holds."""
TABLE_WAIT_MS = 2_000
"""How long a migration may wait for a table, and writers behind it."""
TABLE_TRIES_MAX = 30
TABLE_PAUSE_S = 1.0
"""From one try to the next; writers have their turn."""
TURN_WAIT_MS = 600_000
"""How long a process waits for another one that migrates."""
NOT_AVAILABLE = "55P03"
"""PostgreSQL's word for a lock that did not come in time."""


class LockedTablesError(BusyError):
    """Others hold a table, or the right to migrate, for too long."""

    code = "records.locked-tables"

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"A migration of the records database did not get its turn: {fault}.",
            written="Each migration is whole or not there; what is there already stays.",
            next_step="Let long runs end, or end the sessions that PostgreSQL's `pg_stat_activity`"
            " shows in a transaction; then repeat the command.",
            fault=fault,
        )


@contextmanager
def file_lock() -> Iterator[None]:
    """No other process migrates the SQLite file meanwhile."""
    database = Path(connection.settings_dict["NAME"])
    database.parent.mkdir(parents=True, exist_ok=True)
    # Made here so that only the owner may read it; SQLite gives its side files the same rights.
    # Only where there is none: to close a file SQLite has open in this process drops its locks,
    # and another process would then throw away what this one still writes.
    if not database.exists():
        os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
    handle = os.open(f"{database}.migrating", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def advisory_lock(*, shared: bool = False) -> Iterator[None]:
    """No other process migrates the PostgreSQL database meanwhile; shared: several may look.

    Raises:
        LockedTablesError: Another process migrates for too long.
    """
    way = "_shared" if shared else ""
    with _wait_at_most(TURN_WAIT_MS), _told():
        _execute(f"SELECT pg_advisory_lock{way}(%s)", MIGRATION_LOCK)
    try:
        yield
    finally:
        _execute(f"SELECT pg_advisory_unlock{way}(%s)", MIGRATION_LOCK)


def apply_patiently(apply: Callable[[], None]) -> None:
    """What `apply` does is done; on PostgreSQL it waits for no table for long, but repeatedly.

    Args:
        apply: May be called again when a statement of it did not get its lock; what it had done
            until then must be whole or not there.

    Raises:
        LockedTablesError: A table stayed locked.
    """
    with _wait_at_most(TABLE_WAIT_MS), _told():
        for _ in range(TABLE_TRIES_MAX - 1):
            try:
                return apply()
            except OperationalError as error:
                if not _is_not_available(error):
                    raise
            threading.Event().wait(TABLE_PAUSE_S)
        return apply()


@contextmanager
def _wait_at_most(milliseconds: int) -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    _execute(f"SET lock_timeout = {milliseconds:d}")
    try:
        yield
    finally:
        _execute("RESET lock_timeout")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if not _is_not_available(error):
            raise
        raise LockedTablesError(str(error).strip().rstrip(".")) from error


def _is_not_available(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == NOT_AVAILABLE


def _execute(statement: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
