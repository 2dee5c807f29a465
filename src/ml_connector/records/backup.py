"""A copy of the records database, taken while others write."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

from ml_connector.errors import SystemUnavailableError, UsageError


def backup_records(path: Path) -> None:
    """`path` is a whole, checked copy of the database as it was at one instant.

    SQLite copies page by page and begins again when somebody writes meanwhile, all in one step.
    The copy holds sealed secrets, but not the key that opens them.

    Raises:
        UsageError: The database is not SQLite, or `path` exists; nothing was written.
        SystemUnavailableError: The copy could not be made; `path` does not exist.
    """
    if connection.vendor != "sqlite":
        raise UsageError(
            "Only a SQLite database is copied this way.",
            written="Nothing was written.",
            next_step="Use pg_dump for a PostgreSQL database.",
        )
    if path.exists():
        raise UsageError(
            f"{path} exists and is not overwritten.",
            written="Nothing was written.",
            next_step="Name a file that does not exist.",
            path=str(path),
        )
    partial = path.with_name(f"{path.name}.partial")
    try:
        _copy(partial)
        partial.replace(path)
        _sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise SystemUnavailableError(
            f"The records database could not be copied to {path}: {error}.",
            written=f"{path} does not exist; the database is as it was.",
            next_step="Look at the disk, then take the backup again.",
            path=str(path),
        ) from error


def _copy(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection.ensure_connection()
    with closing(sqlite3.connect(partial)) as copy:
        connection.connection.backup(copy)
        # The copy is one file that may be moved; the side files of a log would be left behind.
        copy.execute("PRAGMA journal_mode=DELETE")
        finding = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if finding != "ok":
        raise sqlite3.DatabaseError(f"the copy does not verify: {finding}")
    _sync(partial)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
