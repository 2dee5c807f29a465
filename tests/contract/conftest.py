"""A records database per test, a clock that is moved, and processes that work on the same file."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes.engines import make_engine, read_nothing
from tests.fakes.postgres import Postgres, query_database
from tests.fakes.standing import Standing, make_records

import ml_connector.records
from ml_connector.ports import Clock, Records
from ml_connector.records import close, configure, migrate, open_records

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ON_BOTH = frozenset(
    {
        "test_records_agreements", "test_records_alerts", "test_records_approvals",
        "test_records_audit",
        "test_records_budget", "test_records_frozen", "test_records_history",
        "test_records_identities",
        "test_records_intents",
        "test_records_leases", "test_records_loads", "test_records_organisations",
        "test_records_postings", "test_records_postings_guard", "test_records_postings_races",
        "test_records_runs", "test_records_scale", "test_records_schedules",
        "test_records_sign_offs", "test_records_standings", "test_records_transactions",
        "test_scheduling",
    }
)  # fmt: skip
"""Suites about what a database promises to several processes; they run on both kinds."""
SOURCE_ROOT = Path(ml_connector.records.__file__).parents[2]
START = datetime(2026, 10, 5, 6, 0, tzinfo=UTC)
Move = Callable[[float], None]
Sql = Callable[..., list[tuple[object, ...]]]
Spawn = Callable[..., "subprocess.Popen[str]"]


@dataclass(slots=True)
class MovedClock:
    """A clock that moves only when it is told to, or slept on."""

    at: datetime = START

    def now(self) -> datetime:
        """The current instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """The clock stands that many seconds later."""
        self.at += timedelta(seconds=seconds)


def _point_at(url: str) -> None:
    close()
    configure(url, secret_key="only for tests")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of the records runs on SQLite, or on both kinds of database."""
    if "backend" not in metafunc.fixturenames:
        return
    # With a server named, everything runs on it as well.
    is_on_both = metafunc.module.__name__.split(".")[-1] in ON_BOTH or "TEST_PG_URL" in os.environ
    kinds = [SQLITE, POSTGRESQL] if is_on_both else [SQLITE]
    for kind, fixture in ((SQLITE, "sqlite_only"), (POSTGRESQL, "postgresql_only")):
        if fixture in metafunc.fixturenames:
            kinds = [kind]
    metafunc.parametrize("backend", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database a test runs on."""
    return str(request.param)


@pytest.fixture
def sqlite_only(backend: str) -> None:
    """The test is about what only SQLite can do."""
    assert backend == SQLITE


@pytest.fixture
def postgresql_only(backend: str) -> None:
    """The test is about what only PostgreSQL can do."""
    assert backend == POSTGRESQL


@pytest.fixture(scope="session")
def migrated_template(
    backend: str, standing: Standing, request: pytest.FixtureRequest
) -> Iterator[str]:
    """URL of a migrated, empty database that tests copy; migrating takes seconds."""
    if backend == POSTGRESQL:
        server: Postgres = request.getfixturevalue("postgres")
        if server.migrated:
            yield server.migrated
            return
        with server.database() as url:
            yield _migrate(url)
    else:
        yield f"sqlite:///{make_records(standing)}"


@pytest.fixture
def records_url(
    migrated_template: str, backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """A migrated database of this test's own, which this process works on."""
    if backend == POSTGRESQL:
        server: Postgres = request.getfixturevalue("postgres")
        with server.database(template=migrated_template) as url:
            _point_at(url)
            yield url
            close()
    else:
        path = tmp_path / "records.db"
        shutil.copy(migrated_template.removeprefix("sqlite:///"), path)
        _point_at(f"sqlite:///{path}")
        yield f"sqlite:///{path}"
        close()


@pytest.fixture
def records_database(sqlite_only: None, records_url: str) -> Path:
    """The file of the database, for tests about files."""
    return Path(records_url.removeprefix("sqlite:///"))


def _migrate(url: str) -> str:
    _point_at(url)
    migrate()
    close()
    return url


@pytest.fixture
def records_clock() -> Clock:
    """A clock that stands still."""
    return MovedClock()


@pytest.fixture
def move(records_clock: Clock) -> Move:
    """Moves the clock by seconds."""
    return records_clock.sleep


@pytest.fixture
def records(records_url: str, records_clock: Clock) -> Records:
    """The stores of the default organisation."""
    return open_records(clock=records_clock)


@pytest.fixture
def sql(records_url: str, backend: str) -> Sql:
    """Executes statements on the database past every store; the rows of the last one."""

    def execute(*statements: str) -> list[tuple[object, ...]]:
        if backend == POSTGRESQL:
            return query_database(records_url, *statements)
        rows: list[tuple[object, ...]] = []
        path = records_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows

    return execute


@pytest.fixture
def spawn(records_url: str) -> Iterator[Spawn]:
    """Starts Python processes on the same database; none outlives the test.

    The script sees its arguments in `sys.argv[1:]`.
    """
    preamble = (
        "import os, sys\n"
        f"sys.path.insert(0, {str(SOURCE_ROOT)!r})\n"
        "from ml_connector.records import *\n"
        f"configure({records_url!r}, secret_key='only for tests')\n"
    )
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", preamble + script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def engine_template(postgres: Postgres) -> Iterator[str]:
    """A database with the engine's tables, to be copied."""
    with postgres.database() as url:
        engine = make_engine(url, read_nothing)
        engine.launch()
        engine.close()
        yield url


@pytest.fixture
def engine_url(engine_template: str, postgres: Postgres) -> Iterator[str]:
    """An engine's database of this test's own, on PostgreSQL."""
    with postgres.database(template=engine_template) as url:
        yield url
