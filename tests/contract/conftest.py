"""A records database per test, a clock that is moved, and processes that work on the same file."""

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

import ml_connector.records
from ml_connector.ports import Clock, Records
from ml_connector.records import close, configure, migrate, open_records

PG_URL = os.environ.get("TEST_PG_URL", "")
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


@pytest.fixture(scope="session")
def migrated_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a migrated, empty database that tests copy; migrating takes half a second.

    `TEST_PG_URL` names a PostgreSQL server to run the same tests on: any database of it whose user
    may create others.
    """
    if PG_URL:
        with _pg_database() as url:
            yield _migrate(url)
    else:
        yield _migrate(f"sqlite:///{tmp_path_factory.mktemp('records') / 'template.db'}")


@pytest.fixture
def records_url(migrated_template: str, tmp_path: Path) -> Iterator[str]:
    """A migrated database of this test's own, which this process works on."""
    if PG_URL:
        with _pg_database(template=migrated_template) as url:
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
def records_database(records_url: str) -> Path:
    """The file of the database, for tests about files."""
    if PG_URL:
        pytest.skip("about the file of a SQLite database")
    return Path(records_url.removeprefix("sqlite:///"))


def _migrate(url: str) -> str:
    _point_at(url)
    migrate()
    close()
    return url


@contextmanager
def _pg_database(template: str = "") -> Iterator[str]:
    """A database that is gone afterwards, whoever is still connected to it."""
    name = f"records_{secrets.token_hex(6)}"
    copied = f" TEMPLATE {template.rsplit('/', 1)[1]}" if template else ""
    with psycopg.connect(PG_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}{copied}".encode())
        try:
            yield f"{PG_URL.rsplit('/', 1)[0]}/{name}"
        finally:
            close()
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


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
def sql(records_url: str) -> Sql:
    """Executes statements on the database past every store; the rows of the last one."""

    def execute(*statements: str) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        if PG_URL:
            with psycopg.connect(records_url) as client:
                for statement in statements:
                    cursor = client.execute(statement.encode())
                    rows = cursor.fetchall() if cursor.description else []
            return rows
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
