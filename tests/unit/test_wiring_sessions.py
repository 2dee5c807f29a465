"""A session is remembered while its process lives, and handed out once when it has died."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.standing import lay_state

from ml_connector.wiring import House, open_house
from ml_connector.wiring.sessions import LEFT_MAX, PREFIX, SealedSessions

CONNECTION = "jde"
CHILD = """
import os, sys
from pathlib import Path
from ml_connector.wiring import open_house
with open_house(Path(sys.argv[1])) as house:
    house._sessions.save_session("jde", "token of the child")
    print("saved", flush=True)
    sys.stdin.read()
    os._exit(9)
"""


@pytest.fixture
def root(fresh_state: Path, tmp_path: Path) -> Path:
    """A project folder without connections, whose records stand already."""
    root = tmp_path / "project"
    lay_state(fresh_state, root)
    (root / "ml-connector.yaml").write_text("organisation: default\n", encoding="utf-8")
    return root


def sessions_of(house: House) -> SealedSessions:
    """A second process's view of the same project."""
    return SealedSessions(house.vault, house.project.state_dir / "sessions")


def test_session_of_a_living_process_is_left_alone(root: Path) -> None:
    """Two commands at once do not end each other's sessions."""
    with open_house(root) as house:
        one, other = sessions_of(house), sessions_of(house)
        one.save_session(CONNECTION, "token")
        assert other.take_left_sessions(CONNECTION) == []
        assert one.take_left_sessions(CONNECTION) == []
        one.close()
        other.close()


def test_session_of_a_killed_process_is_handed_out_once(root: Path) -> None:
    """The lock goes with the process; what it held is found by the next, by connection."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "saved\n"
        with open_house(root) as house:
            assert sessions_of(house).take_left_sessions(CONNECTION) == []
        child.kill()
    with open_house(root) as house:
        next_one = sessions_of(house)
        assert next_one.take_left_sessions("other") == []
        assert next_one.take_left_sessions(CONNECTION) == ["token of the child"]
        assert next_one.take_left_sessions(CONNECTION) == []


def test_forgotten_session_leaves_nothing_behind(root: Path) -> None:
    """After a sign-off neither a secret nor a file speaks of the session."""
    with open_house(root) as house:
        sessions = sessions_of(house)
        sessions.save_session(CONNECTION, "token")
        assert [row.name for row in house.vault.list_secrets()] != []
        assert house.list_secrets() == []
        sessions.forget_session(CONNECTION)
        sessions.forget_session(CONNECTION)
        sessions.close()
        assert house.vault.list_secrets() == []
        assert list((house.project.state_dir / "sessions").iterdir()) == []


def test_session_that_was_not_forgotten_outlives_its_process(root: Path) -> None:
    """A process that ended without signing off leaves its session to the next one."""
    with open_house(root) as house:
        failed, next_one = sessions_of(house), sessions_of(house)
        failed.save_session(CONNECTION, "token")
        failed.close()
        assert next_one.take_left_sessions(CONNECTION) == ["token"]
        assert list((house.project.state_dir / "sessions").iterdir()) == []


def test_lock_that_cannot_be_opened_is_left_alone(root: Path) -> None:
    """Another user's lock, or one that goes meanwhile, fails nobody's log-in."""
    with open_house(root) as house:
        failed, next_one = sessions_of(house), sessions_of(house)
        failed.save_session(CONNECTION, "token")
        failed.close()
        (lock,) = (house.project.state_dir / "sessions").iterdir()
        lock.unlink()
        lock.mkdir()
        assert next_one.take_left_sessions(CONNECTION) == []


def test_sessions_of_other_machines_do_not_crowd_out_those_of_this_one(root: Path) -> None:
    """However many of them are remembered, a dead process of this machine is found."""
    with open_house(root) as house:
        for number in range(LEFT_MAX + 1):
            house.vault.save_secret(f"{PREFIX}{CONNECTION}/elsewhere.{number:03}", "theirs")
        failed, next_one = sessions_of(house), sessions_of(house)
        failed._holder = "zzz.1.a"
        failed.save_session(CONNECTION, "token")
        failed.close()
        assert next_one.take_left_sessions(CONNECTION) == ["token"]
