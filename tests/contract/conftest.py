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

import ml_connector.records
from ml_connector.ports import Clock, Records
from ml_connector.records import close, configure, migrate, open_records

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


def _point_at(database: Path) -> None:
    close()
    configure(f"sqlite:///{database}", secret_key="only for tests")


@pytest.fixture(scope="session")
def migrated_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database that tests copy; migrating takes half a second."""
    template = tmp_path_factory.mktemp("records") / "template.db"
    _point_at(template)
    migrate()
    close()
    return template


@pytest.fixture
def records_database(migrated_template: Path, tmp_path: Path) -> Iterator[Path]:
    """A migrated database of this test's own, which this process works on."""
    path = tmp_path / "records.db"
    shutil.copy(migrated_template, path)
    _point_at(path)
    yield path
    close()


@pytest.fixture
def records_clock() -> Clock:
    """A clock that stands still."""
    return MovedClock()


@pytest.fixture
def move(records_clock: Clock) -> Move:
    """Moves the clock by seconds."""
    return records_clock.sleep


@pytest.fixture
def records(records_database: Path, records_clock: Clock) -> Records:
    """The stores of the default organisation."""
    return open_records(clock=records_clock)


@pytest.fixture
def sql(records_database: Path) -> Sql:
    """Executes statements on the file past every store; the rows of the last one."""

    def execute(*statements: str) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        with closing(sqlite3.connect(records_database)) as connection, connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows

    return execute


@pytest.fixture
def spawn(records_database: Path) -> Iterator[Spawn]:
    """Starts Python processes on the same database; none outlives the test.

    The script sees its arguments in `sys.argv[1:]`.
    """
    preamble = (
        "import os, sys\n"
        f"sys.path.insert(0, {str(SOURCE_ROOT)!r})\n"
        "from ml_connector.records import *\n"
        f"configure('sqlite:///{records_database}', secret_key='only for tests')\n"
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
