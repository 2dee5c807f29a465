"""Configuring, migrating and closing the records database."""

import stat
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.core.management import call_command
from django.db import IntegrityError, connection, connections

from ml_connector.errors import SettingsError, SystemUnavailableError, UsageError
from ml_connector.ports import Records
from ml_connector.records import close, configure, create_organisation, migrate, open_records
from ml_connector.records.setup import BUDGET_ALIAS, parse_database_url

Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]


def test_url_names_sqlite_files_and_postgresql_databases() -> None:
    """Both kinds of URL are understood, escapes in names and passwords included."""
    sqlite = parse_database_url("sqlite:////var/lib/ml%20connector/records.db")["default"]
    assert sqlite["NAME"] == "/var/lib/ml connector/records.db"
    assert sqlite["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    url = "postgresql://rec:p%40ss@db.example:5433/records?sslmode=verify-full"
    postgresql = parse_database_url(url)["default"]
    assert (postgresql["USER"], postgresql["PASSWORD"]) == ("rec", "p@ss")
    assert (postgresql["HOST"], postgresql["PORT"]) == ("db.example", "5433")
    assert postgresql["NAME"] == "records"
    assert postgresql["OPTIONS"]["sslmode"] == "verify-full"


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite:///", "sqlite://host/a.db", "", "x"])
def test_url_of_another_kind_is_refused_without_its_text(url: str) -> None:
    """A URL may hold a password, so the refusal names its kind only."""
    with pytest.raises(SettingsError) as refusal:
        parse_database_url(url)
    assert "host" not in refusal.value.refused


def test_connection_keeps_its_promises_to_the_disk(records_database: Path) -> None:
    """Records waits for the disk and for other writers; the budget waits for writers only."""

    def ask(alias: str, pragma: str) -> object:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"PRAGMA {pragma}")
            return cursor.fetchone()[0]

    assert ask("default", "journal_mode") == "wal"
    assert ask("default", "foreign_keys") == 1
    assert ask("default", "busy_timeout") == 30_000
    assert ask("default", "synchronous") == 2
    assert ask(BUDGET_ALIAS, "synchronous") == 1


def test_migrating_again_asks_but_writes_nothing(records_database: Path) -> None:
    """A process that starts on a current database opens no transaction on it."""
    assert records_database.exists()
    # Whoever made the database may know fewer apps: a command needs none of those of pages.
    migrate()
    asked: list[str] = []

    def listen(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.append(sql.split(maxsplit=1)[0].upper())
        return execute(sql, *rest)

    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(connections[alias].execute_wrapper(listen))
        migrate()
    assert set(asked) <= {"SELECT", "PRAGMA"}
    assert "SELECT" in asked


def test_schema_is_what_the_models_declare(records_url: str) -> None:
    """No migration is missing."""
    call_command("makemigrations", "records", check=True, dry_run=True, verbosity=0)


@pytest.mark.exhaustive
def test_migrations_run_backwards_as_well(records_url: str, sql: Sql) -> None:
    """Every migration can be undone, triggers included."""
    call_command("migrate", "records", "zero", verbosity=0)
    tables = connection.introspection.table_names()
    assert not [table for table in tables if table.startswith("records")]
    migrate()
    assert sql("SELECT name FROM records_organisation") == [("default",)]


def test_database_of_a_newer_version_is_refused(records_url: str, sql: Sql) -> None:
    """A migration this version does not know stops it before it writes anything."""
    sql(
        "INSERT INTO django_migrations (app, name, applied)"
        " VALUES ('records', '0099_new', CURRENT_TIMESTAMP)"
    )
    with pytest.raises(SettingsError, match="0099_new"):
        migrate()


def test_another_database_is_refused_while_one_is_open(
    records: Records, records_database: Path, tmp_path: Path
) -> None:
    """Two state folders in one process would mix; after `close` the other one may come."""
    records.runs.load_runs()
    with pytest.raises(SettingsError, match=r"records\.db"):
        configure(f"sqlite:///{tmp_path}/other.db", secret_key="x")
    configure(f"sqlite:///{records_database}", secret_key="x")
    close()
    configure(f"sqlite:///{tmp_path}/other.db", secret_key="x")
    # Nothing is migrated: that a new file can be is shown by first starts, and takes seconds.
    assert connection.introspection.table_names() == []
    assert (tmp_path / "other.db").exists()


def test_close_leaves_no_connection_of_any_thread(records: Records) -> None:
    """Connections of threads that have ended are closed with the rest."""
    wrappers: list[object] = []

    def read() -> None:
        records.runs.load_runs()
        wrappers.append(connections["default"])

    threads = [Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(wrapper) for wrapper in wrappers}) == 3
    close()
    assert [getattr(wrapper, "connection", "") for wrapper in wrappers] == [None] * 3


def test_connections_of_ended_threads_are_closed_by_the_next_one(records: Records) -> None:
    """A process that lives long and starts many threads does not run out of files."""
    wrappers = []

    def read() -> None:
        records.runs.load_runs()
        wrappers.append(connections["default"])

    for _ in range(3):
        thread = Thread(target=read)
        thread.start()
        thread.join()
    assert [wrapper.connection is None for wrapper in wrappers] == [True, True, False]


def test_file_that_is_no_database_is_refused_in_our_own_words(
    records_database: Path, tmp_path: Path
) -> None:
    """Damage is said as such, and the file stays as it is for whoever can mend it."""
    close()
    (tmp_path / "odd.db").write_text("no database at all, but long enough to be looked at" * 40)
    before = (tmp_path / "odd.db").read_bytes()
    configure(f"sqlite:///{tmp_path}/odd.db", secret_key="x")
    with pytest.raises(SystemUnavailableError, match=r"odd\.db cannot be used"):
        migrate()
    assert (tmp_path / "odd.db").read_bytes() == before


def test_write_that_finds_no_room_says_what_is_not_stored(
    records: Records, records_database: Path
) -> None:
    """A full disk is a fault that a resume gets over, not a broken program."""
    pages = connection.cursor()
    pages.execute("PRAGMA page_count")
    pages.execute(f"PRAGMA max_page_count={pages.fetchone()[0]}")
    pages.close()
    with pytest.raises(SystemUnavailableError, match="could not store the mapping of actuals"):
        records.mappings.save_mapping(
            "actuals", content_hash="h", content="x" * 100_000, actor="kim"
        )
    assert records.mappings.find_mapping("h") is None


@pytest.mark.long
def test_several_first_starts_at_once_make_one_schema(
    records_database: Path, spawn: Spawn, tmp_path: Path
) -> None:
    """Processes that find no database migrate one after the other, and all succeed."""
    script = (
        f"close(); configure('sqlite:///{tmp_path}/fresh.db', secret_key='x')\n"
        "migrate(); print(len(open_records().runs.load_runs()))"
    )
    processes = [spawn(script) for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == ["0\n"] * 3
    assert stat.S_IMODE((tmp_path / "fresh.db").stat().st_mode) == 0o600


def test_unknown_organisation_is_refused_by_name(records_url: str) -> None:
    """A misspelt organisation does not silently get records of its own."""
    create_organisation("north")
    with pytest.raises(UsageError, match=r"no organisation 'nort'; there are: default, north"):
        open_records("nort")


def test_user_name_is_unique_within_its_organisation_only(records_url: str) -> None:
    """Two organisations may each have a Kim, one may not have two; passwords are argon2."""
    from ml_connector.records.models import Organisation, User  # noqa: PLC0415 -- needs Django

    create_organisation("north")
    here, north = Organisation.objects.order_by("name")
    kim = User.objects.create_user("kim", organisation=here, password="long enough 1")
    User.objects.create_user("kim", organisation=north)
    assert identify_hasher(kim.password).algorithm == "argon2"
    assert kim.check_password("long enough 1")
    with pytest.raises(IntegrityError):
        User.objects.create_user("kim", organisation=here)


def test_every_row_and_unique_key_belongs_to_an_organisation(records_url: str) -> None:
    """No table and no unique key of ours is shared between organisations."""
    from ml_connector.records import models  # noqa: PLC0415 -- needs Django

    for name in set(models.__all__) - {"Organisation", "Owned", "UNSETTLED_STATES"}:
        meta = getattr(models, name)._meta
        assert not meta.get_field("organisation").null, name
        assert not [f.name for f in meta.local_fields if f.unique and not f.primary_key], name
        for constraint in meta.constraints:
            assert constraint.fields[0] == "organisation", constraint.name


def test_thread_of_another_kind_of_database_opens_no_file_of_its_name(tmp_path: Path) -> None:
    """A thread that worked on SQLite does not take the name of a PostgreSQL database for a path."""
    first = tmp_path / "records.db"
    close()
    configure(f"sqlite:///{first}", secret_key="only for tests")
    names: list[str] = []
    opened, moved = Event(), Event()

    def work() -> None:
        connection.ensure_connection()
        opened.set()
        moved.wait(10)
        names.append(str(connection.settings_dict["NAME"]))

    thread = Thread(target=work)
    thread.start()
    assert opened.wait(10)
    close()
    configure("postgresql://somebody@127.0.0.1:1/elsewhere", secret_key="only for tests")
    moved.set()
    thread.join()
    configure(f"sqlite:///{first}", secret_key="only for tests")

    assert names == [str(first)]


def test_database_that_another_thread_names_is_the_one_worked_on(tmp_path: Path) -> None:
    """Whoever closed the one before holds nothing of it, whichever thread names the next."""
    first = tmp_path / "records.db"
    close()
    configure(f"sqlite:///{first}", secret_key="only for tests")
    connection.ensure_connection()
    close()
    away = "postgresql://somebody@127.0.0.1:1/elsewhere"
    thread = Thread(target=configure, args=(away,), kwargs={"secret_key": "only for tests"})
    thread.start()
    thread.join()
    name = str(connection.settings_dict["NAME"])
    configure(f"sqlite:///{first}", secret_key="only for tests")

    assert name == "elsewhere"
