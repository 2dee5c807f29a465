"""Bringing the schema up to date: cheap to ask, safe when several processes start at once.

On PostgreSQL processes of an older release may be at work meanwhile: what only adds is applied at
any start, what takes away when somebody asks for it and they have gone (`stages`).
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import TypeVar

from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from ml_connector.errors import BusyError, SettingsError, SystemUnavailableError
from ml_connector.records.migration_locks import advisory_lock, apply_patiently, file_lock
from ml_connector.records.stages import (
    Pending,
    Stage,
    find_stage,
    list_forbidding,
    sort_pending,
)

SQLITE = "sqlite"
RECORDS = "records"
Names = set[tuple[str, str]]
"""(app, migration)."""
Found = TypeVar("Found")


class AfterFirstError(SettingsError):
    """A migration waits behind one that is applied on demand only."""

    code = "records.after-first"

    def __init__(self, after: Sequence[str], behind: Sequence[str]) -> None:
        super().__init__(
            f"This release needs the migrations {', '.join(behind)}, which come after"
            f" {', '.join(name for name in after if name not in behind)}; these take away what an"
            " older release uses.",
            written="Nothing was changed.",
            next_step="Stop all processes of older releases, then: `ml-connector migrate --after`.",
            after=", ".join(after), behind=", ".join(behind),
        )  # fmt: skip


class OldWorkersError(BusyError):
    """A worker of an older release lives, which a migration would take something away from."""

    code = "records.old-workers"

    def __init__(self, migrations: Sequence[str], workers: Sequence[str]) -> None:
        super().__init__(
            f"The migrations {', '.join(migrations)} take away what older releases use, and workers"
            f" of such a release live: {', '.join(workers)}.",
            written="Nothing was changed.",
            next_step="Stop them, which leaves their runs in the queue; then repeat the command.",
            migrations=", ".join(migrations), workers=", ".join(workers),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """Migrations of the records, by what became of them."""

    applied: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Those that wait until processes of older releases have gone."""


VerifyGone = Callable[[tuple[str, ...]], None]
"""Raises when a process of an older release lives that these migrations would harm."""


def migrate_database() -> Migrated:
    """The schema is one this version works with; see `setup.migrate`."""
    return _in_own_words(lambda: _migrate(verify_gone=None))


def migrate_after(verify_gone: VerifyGone) -> Migrated:
    """The schema is wholly the one of this version, what older releases use taken away as well.

    Args:
        verify_gone: Asked under the lock, with the migrations that take away.

    Raises:
        OldWorkersError: A worker of an older release lives; nothing was changed.
        SettingsError: The database was written by a newer version; nothing was changed.
        SystemUnavailableError: It cannot be used.
    """
    return _in_own_words(lambda: _migrate(verify_gone=verify_gone))


def verify_schema() -> None:
    """This process may work on the database; a migration under way is waited for.

    For a process that has just become visible to `migrate_after`: either that one has seen it, or
    it is done, and what it has taken away is noticed here.

    Raises:
        SettingsError: The database was written by a newer version.
    """

    def look() -> None:
        if connection.vendor != SQLITE:
            with advisory_lock(shared=True):
                _find_missing()

    _in_own_words(look)


def _in_own_words(work: Callable[[], Found]) -> Found:
    try:
        return work()
    except (DatabaseError, OSError) as error:
        raise SystemUnavailableError(
            f"The records database {connection.settings_dict['NAME']} cannot be used: {error}.",
            written="No run was started; each migration is whole or not there.",
            next_step="Look at the disk or the database server, then run the command again.",
        ) from error


def _migrate(*, verify_gone: VerifyGone | None) -> Migrated:
    work = _find_work(is_asked=verify_gone is not None)
    if not work.is_done:
        with _migration_lock():
            work = _find_work(is_asked=verify_gone is not None)
            if not work.is_done:
                return _do(work, verify_gone)
    return Migrated(after=work.pending.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What the database lacks."""

    pending: Pending
    others: frozenset[str]
    """Django's own apps of which something is missing."""
    is_ready: bool
    """Whether readers and the writer leave each other alone; a restored SQLite copy is not so."""

    @property
    def is_done(self) -> bool:
        return self.is_ready and not (self.pending.now or self.pending.behind or self.others)


def _find_work(*, is_asked: bool) -> _Work:
    missing = _find_missing()
    ours = {name for app, name in missing if app == RECORDS}
    is_fresh = ours == _list_names(RECORDS)
    is_alone = is_asked or is_fresh or connection.vendor == SQLITE
    return _Work(
        pending=sort_pending(ours, is_alone=is_alone),
        others=frozenset(app for app, _ in missing if app != RECORDS),
        # Asked last: it would make a file that is not there, for everybody to read.
        is_ready=connection.vendor != SQLITE or (not missing and _is_write_ahead()),
    )


def _do(work: _Work, verify_gone: VerifyGone | None) -> Migrated:
    pending = work.pending
    if pending.behind:
        raise AfterFirstError(pending.after, pending.behind)
    posts = tuple(name for name in pending.now if find_stage(name) is Stage.POST)
    if verify_gone is not None and posts:
        verify_gone(posts)
    if connection.vendor == SQLITE:
        # Kept in the file; turning it on needs the file to oneself, hence the lock.
        _ask("PRAGMA journal_mode=WAL")
    apply_patiently(lambda: _apply(work))
    return Migrated(applied=pending.now, after=pending.after)


def _apply(work: _Work) -> None:
    if not work.pending.after:
        call_command("migrate", interactive=False, verbosity=0)
        return
    for app in sorted(work.others):
        call_command("migrate", app, interactive=False, verbosity=0)
    if work.pending.now:
        call_command("migrate", RECORDS, work.pending.now[-1], interactive=False, verbosity=0)


def _find_missing() -> Names:
    """Migrations of this release that are not applied.

    Raises:
        SettingsError: A newer release has applied one that takes something away.
    """
    applied = _load_applied()
    known = {(app.label, name) for app in apps.get_app_configs() for name in _list_names(app.label)}
    unknown = [name for app, name in applied - known if app == RECORDS]
    if newer := list_forbidding(unknown):
        raise SettingsError(
            f"The records database holds the migrations {', '.join(newer)}, which this version"
            " does not know.",
            written="Nothing was changed.",
            next_step="Install the version of ml-connector that wrote it, or a newer one.",
            migrations=", ".join(newer),
        )
    return known - applied


def _list_names(app: str) -> set[str]:
    """The app's migrations by their files' names, without importing any of them."""
    package, _ = MigrationLoader.migrations_module(app)
    found = find_spec(package) if package else None
    folders = found.submodule_search_locations if found is not None else None
    return {module.name for module in iter_modules(folders or [])}


def _is_write_ahead() -> bool:
    return _ask("PRAGMA journal_mode") == "wal"


def _ask(pragma: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(pragma)
        return cursor.fetchone()[0]


def _load_applied() -> Names:
    if connection.vendor == SQLITE and not Path(connection.settings_dict["NAME"]).exists():
        return set()
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT app, name FROM django_migrations")
        return {(str(app), str(name)) for app, name in cursor.fetchall()}


def _migration_lock() -> AbstractContextManager[None]:
    return file_lock() if connection.vendor == SQLITE else advisory_lock()
