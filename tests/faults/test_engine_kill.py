"""Processes are killed at every place of a run; only the step they were in is repeated."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.children import find_environment

from ml_connector.engine.process_lock import LOCK_FILE

CHILD = Path(__file__).with_name("engine_child.py")
KILLED = -9
TIMEOUT_S = 60


def spawn(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The finished child."""
    return subprocess.run(
        [sys.executable, str(CHILD), str(folder), *arguments],
        capture_output=True, check=False, text=True, timeout=TIMEOUT_S,
        env=find_environment(),
    )  # fmt: skip


def read_log(folder: Path) -> list[str]:
    """What the steps' bodies wrote, in order."""
    return (folder / "log").read_text().splitlines()


@pytest.mark.parametrize(
    ("death", "steps"),
    [
        pytest.param("in:one", ["one", "one", "two", "three"], marks=pytest.mark.long),
        pytest.param("after:one", ["one", "two", "three"], marks=pytest.mark.long),
        ("in:two", ["one", "two", "two", "three"]),
        pytest.param("in:three", ["one", "two", "three", "three"], marks=pytest.mark.long),
        pytest.param("after:three", ["one", "two", "three"], marks=pytest.mark.long),
    ],
)
def test_killed_run_goes_on_at_its_first_missing_step(
    tmp_path: Path, death: str, steps: list[str]
) -> None:
    """The step that was being executed runs again; finished ones never do."""
    died = spawn(tmp_path, "start", death)
    assert died.returncode == KILLED
    resumed = spawn(tmp_path, "resume")
    assert resumed.stdout == "{'done': ['one', 'two', 'three'], 'request': {'n': 1}}\n"
    assert read_log(tmp_path) == [f"r1 {name}" for name in steps]


@pytest.mark.long
def test_killed_run_is_not_begun_again_by_itself(tmp_path: Path) -> None:
    """A new process leaves it alone, and says what became of it and how to go on."""
    spawn(tmp_path, "start", "in:two")
    waited = spawn(tmp_path, "wait")
    assert waited.returncode == 130
    assert "The process that executed run r1 ended before the run did." in waited.stdout
    assert "ml-connector runs resume r1" in waited.stdout
    assert read_log(tmp_path) == ["r1 one", "r1 two"]


@pytest.mark.long
def test_killed_run_does_not_block_its_key(tmp_path: Path) -> None:
    """Another run of the same key goes through before the killed one is resumed."""
    spawn(tmp_path, "start", "in:two")
    other = spawn(tmp_path, "other")
    assert other.returncode == 0, other.stderr
    assert read_log(tmp_path)[2:] == ["r2 one", "r2 two", "r2 three"]
    assert spawn(tmp_path, "resume").returncode == 0


@pytest.mark.long
@pytest.mark.exhaustive
def test_run_killed_twice_goes_on_all_the_same(tmp_path: Path) -> None:
    """Deaths of the resuming process add attempts, no more."""
    spawn(tmp_path, "start", "in:two")
    assert spawn(tmp_path, "resume", "in:two").returncode == KILLED
    assert spawn(tmp_path, "resume").returncode == 0
    assert read_log(tmp_path) == ["r1 one", "r1 two", "r1 two", "r1 two", "r1 three"]


def test_second_process_is_refused_and_the_holder_named(tmp_path: Path) -> None:
    """While the lock is held no engine starts on the folder; the error says by whom."""
    with (tmp_path / LOCK_FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write('{"pid": 4711, "host": "erp-1", "command": "ml-connector serve", "since": "8"}')
        file.flush()
        refused = spawn(tmp_path, "start")
    assert refused.returncode == 6
    assert "is in use by process 4711 on erp-1 (ml-connector serve), since 8" in refused.stdout
    assert not (tmp_path / "engine.db").exists()


def test_exit_does_not_hang_on_a_step_that_polls(tmp_path: Path) -> None:
    """A closed engine lets its process end, though a run was in the middle of a step."""
    done = spawn(tmp_path, "hang")
    assert (done.returncode, done.stderr) == (0, "")
