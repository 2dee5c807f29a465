"""One engine per state folder."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_connector.engine.errors import EngineBusyError
from ml_connector.engine.process_lock import LOCK_FILE, ProcessLock
from ml_connector.errors import BusyError

NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[ProcessLock]:
    """A lock that is held."""
    held = ProcessLock(tmp_path / "state")
    held.take(now=NOW)
    yield held
    held.release()


def test_second_lock_is_refused_and_names_the_holder(lock: ProcessLock, tmp_path: Path) -> None:
    """Process, host, command and time are said, so that somebody can be asked."""
    with pytest.raises(EngineBusyError) as told:
        ProcessLock(tmp_path / "state").take(now=NOW)
    assert isinstance(told.value, BusyError)
    assert f"process {os.getpid()} on {os.uname().nodename}" in str(told.value)
    assert "since 2026-11-03T08:00:00+00:00" in str(told.value)


def test_released_lock_is_taken_by_the_next(lock: ProcessLock, tmp_path: Path) -> None:
    """Release may be repeated, and leaves no holder behind."""
    lock.release()
    lock.release()
    assert (tmp_path / "state" / LOCK_FILE).read_text() == ""
    other = ProcessLock(tmp_path / "state")
    other.take(now=NOW)
    other.release()


def test_what_a_dead_holder_wrote_is_no_lock(tmp_path: Path) -> None:
    """Only the system's lock counts, not the file's text."""
    (tmp_path / LOCK_FILE).write_text('{"pid": 1, "host": "gone"}' + " " * 500)
    lock = ProcessLock(tmp_path)
    lock.take(now=NOW)
    text = (tmp_path / LOCK_FILE).read_text()
    lock.release()
    assert f'"pid": {os.getpid()}' in text
    assert "gone" not in text


def test_holder_that_has_not_said_its_name_is_refused_all_the_same(
    lock: ProcessLock, tmp_path: Path
) -> None:
    """A file that cannot be read as a holder does not let a second one in."""
    (tmp_path / "state" / LOCK_FILE).write_text("not yet")
    with pytest.raises(EngineBusyError, match="in use by another process"):
        ProcessLock(tmp_path / "state").take(now=NOW)


def test_folders_are_locked_apart(lock: ProcessLock, tmp_path: Path) -> None:
    """Two projects on one machine do not meet."""
    other = ProcessLock(tmp_path / "other")
    other.take(now=NOW)
    other.release()
