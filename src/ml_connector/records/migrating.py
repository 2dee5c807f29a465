"""Bringing the schema up to date: cheap to ask, safe when several processes start at once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection

from ml_connector.errors import SettingsError, SystemUnavailableError
from ml_connector.records.setup import MIGRATION_LOCK

SQLITE = "sqlite"


def migrate_database() -> None:
    """The schema is the one of this version; see `setup.migrate`."""
    try:
        _migrate()
    except (DatabaseError, OSError) as error:
        raise SystemUnavailableError(
            f"The records database {connection.settings_dict['NAME']} cannot be used: {error}.",
            written="No run was started; each migration is whole or not there.",
            next_step="Look at the disk or the database server, then run the command again.",
        ) from error


def _migrate() -> None:
    if _is_current():
        return
    with _migration_lock():
        if _is_current():
            return
        if connection.vendor == SQLITE:
            # Kept in the file; turning it on needs the file to oneself, hence the lock.
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA journal_mode=WAL")
        call_command("migrate", interactive=False, verbosity=0)


def _is_current() -> bool:
    applied = _load_applied()
    known = _list_known()
    newer = sorted(name for app, name in applied - known if app == "records")
    if newer:
        raise SettingsError(
            f"The records database holds the migrations {', '.join(newer)}, which this version"
            " does not know.",
            written="Nothing was changed.",
            next_step="Install the version of ml-connector that wrote it, or a newer one.",
            migrations=", ".join(newer),
        )
    return known <= applied and (connection.vendor != SQLITE or _is_write_ahead())


def _is_write_ahead() -> bool:
    """Whether readers and the writer leave each other alone; a restored backup is not so yet."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        return bool(cursor.fetchone()[0] == "wal")


def _list_known() -> set[tuple[str, str]]:
    """(app, migration) of every migration file, without importing any of them."""
    known = set()
    for app in apps.get_app_configs():
        folder = Path(app.path) / "migrations"
        known |= {(app.label, module.name) for module in iter_modules([str(folder)])}
    return known


def _load_applied() -> set[tuple[str, str]]:
    if connection.vendor == SQLITE and not Path(connection.settings_dict["NAME"]).exists():
        return set()
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT app, name FROM django_migrations")
        return {(str(app), str(name)) for app, name in cursor.fetchall()}


@contextmanager
def _migration_lock() -> Iterator[None]:
    with _file_lock() if connection.vendor == SQLITE else _advisory_lock():
        yield


@contextmanager
def _file_lock() -> Iterator[None]:
    database = Path(connection.settings_dict["NAME"])
    database.parent.mkdir(parents=True, exist_ok=True)
    # Made here so that only the owner may read it; SQLite gives its side files the same rights.
    os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
    handle = os.open(f"{database}.migrating", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _advisory_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
