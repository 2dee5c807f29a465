"""Migrations before and after: what a start applies, what waits, what older code goes on beside.

The migrations are made up: copies of ours, and some behind them.
"""

import importlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from tests.fakes.postgres import Postgres

from ml_connector.errors import SettingsError
from ml_connector.ports import Records
from ml_connector.records import (
    close,
    configure,
    create_organisation,
    migrate,
    migrating,
    migration_locks,
)
from ml_connector.records.migrating import (
    AfterFirstError,
    Migrated,
    OldWorkersError,
    migrate_after,
    migrate_database,
    verify_schema,
)
from ml_connector.records.migration_locks import MIGRATION_LOCK, LockedTablesError
from ml_connector.records.stages import find_newest

OURS = Path(importlib.import_module("ml_connector.records.migrations").__path__[0])
MADE_UP = """
from django.db import migrations, models
from ml_connector.records.migration_operations import AddIndexBeside

class Migration(migrations.Migration):
    atomic = "AddIndexBeside" not in {operation!r}
    dependencies = [("records", {before!r})]
    operations = [{operation}]
"""
ADD = (
    "migrations.AddField('organisation', 'colour', models.TextField(db_default='red')),"
    "migrations.AddField('run', 'mood', models.TextField(null=True))"
)
TAKE = "migrations.RemoveField('organisation', 'colour')"
MORE = "migrations.AddField('organisation', 'size', models.TextField(null=True))"
INDEX = "AddIndexBeside('run', models.Index(fields=('actor', 'kind'), name='made_up'))"
PRE, POST, LATER = "9001_pre_colour", "9002_post_colourless", "9003_pre_size"
INDEXED = "9001_pre_index"
ALL = {PRE: ADD, POST: TAKE, LATER: MORE, INDEXED: INDEX}
Release = Callable[..., None]
Sql = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    """Makes this process one of a release that knows ours and the made-up migrations named."""
    monkeypatch.syspath_prepend(str(tmp_path))
    with ExitStack() as stack:

        def install(*names: str) -> None:
            package = "_".join((tmp_path.name, *names))
            folder = tmp_path / package
            shutil.copytree(OURS, folder, ignore=shutil.ignore_patterns("__pycache__"))
            for before, name in pairwise([find_newest(), *names]):
                text = MADE_UP.format(before=before, operation=ALL[name])
                (folder / f"{name}.py").write_text(text)
            stack.enter_context(override_settings(MIGRATION_MODULES={"records": package}))

        yield install


@pytest.fixture
def other(records_url: str) -> Iterator[psycopg.Connection]:
    """A session of somebody else's on the database."""
    with psycopg.connect(records_url) as session:
        yield session


def let_go(_: tuple[str, ...]) -> None:
    """No process of an older release lives."""


def refuse(migrations: tuple[str, ...]) -> None:
    """One lives."""
    raise OldWorkersError(migrations, ["old-1"])


def list_made_up(sql: Sql) -> list[object]:
    """Made-up migrations that are applied."""
    query = "SELECT name FROM django_migrations WHERE name LIKE '9%' ORDER BY name"
    return [name for (name,) in sql(query)]


def test_start_applies_what_adds_and_leaves_what_takes_away(
    postgresql_only: None, records: Records, release: Release, sql: Sql
) -> None:
    """Older code writes beside it; the rest is applied on demand, once no older worker lives.

    From then on older code refuses the database.
    """
    release(PRE, POST)
    assert migrate_database() == Migrated(applied=(PRE,), after=(POST,))
    assert migrate_database() == Migrated(after=(POST,))
    release()
    migrate()
    verify_schema()
    create_organisation("north")
    records.runs.create_run(run_id="r1", flow="f", kind="actuals", actor="kim", request={})
    assert sql("SELECT colour FROM records_organisation WHERE name = 'north'") == [("red",)]

    release(PRE, POST, LATER)
    with pytest.raises(AfterFirstError, match=f"{LATER}, which come after {POST}"):
        migrate_database()
    with pytest.raises(OldWorkersError, match=f"{POST} take away .* release live: old-1"):
        migrate_after(refuse)
    assert list_made_up(sql) == [PRE]
    assert migrate_after(let_go) == Migrated(applied=(POST, LATER))
    assert migrate_after(refuse) == Migrated()
    close()
    with override_settings(MIGRATION_MODULES={}):
        for refused in (migrate, verify_schema):
            with pytest.raises(SettingsError, match=f"holds the migrations {POST}, which"):
                refused()


def test_sqlite_has_one_process_and_is_migrated_wholly(
    records_database: Path, release: Release, sql: Sql
) -> None:
    """Nobody works beside the process that starts, so nothing waits."""
    release(INDEXED)
    assert migrate_database() == Migrated(applied=(INDEXED,))
    call_command("migrate", "records", find_newest(), verbosity=0)
    release(PRE)
    assert migrate_database() == Migrated(applied=(PRE,))
    release()
    migrate()  # Back to the release before, which goes on.
    release(PRE, POST, LATER)
    assert migrate_database() == Migrated(applied=(POST, LATER))
    assert list_made_up(sql) == [PRE, POST, LATER]


def test_new_database_is_migrated_wholly(
    postgresql_only: None,
    release: Release,
    postgres: Postgres,
    records_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nothing is, nobody of an older release can be; what is done is left out here."""
    release(PRE, POST, LATER)
    monkeypatch.setattr(migrating, "_apply", lambda _: None)
    close()
    with postgres.database() as url:
        configure(url, secret_key="only for tests")
        assert migrate_database().applied[-3:] == (PRE, POST, LATER)
        close()
    configure(records_url, secret_key="only for tests")


def test_migration_gives_way_to_writers_and_is_tried_again(
    postgresql_only: None,
    release: Release,
    other: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits for a table no longer than it may, writers have their turn, and then it is done.

    The session is as before, the right to migrate is free.
    """
    monkeypatch.setattr(migration_locks, "TABLE_WAIT_MS", 50)
    monkeypatch.setattr(migration_locks, "TABLE_TRIES_MAX", 3)
    monkeypatch.setattr(migration_locks, "TABLE_PAUSE_S", 0.0)
    release(PRE)
    other.execute("LOCK TABLE records_organisation IN ROW EXCLUSIVE MODE")
    with pytest.raises(LockedTablesError, match="lock timeout"):
        migrate_database()
    other.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK])
    tries: list[int] = []

    def lock() -> None:
        tries.append(1)
        if len(tries) == 3:
            other.rollback()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE records_organisation IN ACCESS EXCLUSIVE MODE")

    migration_locks.apply_patiently(lock)
    assert len(tries) == 3
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_index_of_a_table_that_stands_is_built_beside_its_writers(
    postgresql_only: None, release: Release, sql: Sql
) -> None:
    """What an interrupted build has left is replaced."""
    sql("CREATE INDEX made_up ON records_run (kind)")
    sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'made_up'::regclass")
    release(INDEXED)
    assert migrate_database() == Migrated(applied=(INDEXED,))
    query = "SELECT indisvalid, indnatts FROM pg_index WHERE indexrelid = 'made_up'::regclass"
    assert sql(query) == [(True, 2)]
    call_command("migrate", "records", find_newest(), verbosity=0)
    assert sql("SELECT count(*) FROM pg_class WHERE relname = 'made_up'") == [(0,)]


def test_process_that_finds_another_migrating_waits_for_its_turn(
    postgresql_only: None,
    release: Release,
    other: psycopg.Connection,
    sql: Sql,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for ever; one that only looks lets others look, and keeps those out that migrate."""
    monkeypatch.setattr(migration_locks, "TURN_WAIT_MS", 50)
    release(PRE)
    other.execute("SELECT pg_advisory_lock_shared(%s)", [MIGRATION_LOCK])
    verify_schema()
    with pytest.raises(LockedTablesError, match="lock timeout"):
        migrate_database()
    other.execute("SELECT pg_advisory_unlock_shared(%s)", [MIGRATION_LOCK])
    other.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    with pytest.raises(LockedTablesError, match="did not get its turn"):
        verify_schema()
    other.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
    assert list_made_up(sql) == []
    assert migrate_database() == Migrated(applied=(PRE,))
