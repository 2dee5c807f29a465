"""The sandbox as a process: started, ended, killed and started again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ml_connector
from ml_connector.sandbox.__main__ import build_servers
from ml_connector.sandbox.clock import SandboxClock

SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
Control = Callable[..., Any]


def test_process_tells_its_addresses_and_ends_on_sigterm(start_process: Callable[..., Any]) -> None:
    """One JSON line on stdout, then requests are answered; SIGTERM ends it with 0."""
    sandbox = start_process("--only", "anaplan", "--clock", "virtual")
    assert sandbox.fusion is None
    reply = httpx2.get(f"{sandbox.anaplan}/__sandbox/info")
    assert reply.json()["server"] == "anaplan"
    assert sandbox.stop() == 0


def test_process_ends_on_sigint_and_when_stdin_closes(start_process: Callable[..., Any]) -> None:
    """Ctrl-C and the end of a parent are clean ends too."""
    first = start_process("--only", "anaplan")
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(20) == 0
    second = start_process("--only", "anaplan")
    second.process.stdin.close()
    assert second.process.wait(20) == 0


def test_killed_process_keeps_what_it_had_answered(
    start_process: Callable[..., Any], control: Control
) -> None:
    """Time, users and journal are there after kill -9."""
    first = start_process("--only", "anaplan", "--clock", "virtual")
    control(first.anaplan, "POST", "clock", {"advance_s": 90})
    new = {"email": "new@halden.example", "password": "word"}
    control(first.anaplan, "POST", "create_user", new)
    httpx2.get(f"{first.anaplan}/2/0/users/me")
    first.kill()
    second = start_process("--only", "anaplan", "--clock", "virtual")
    users = control(second.anaplan, "GET", "info")["users"]
    assert new in users
    assert control(second.anaplan, "GET", "clock")["now"] == "2026-11-03T08:01:30+00:00"
    assert control(second.anaplan, "GET", "journal")["lines"][0]["status"] == 401


def test_kill_fault_ends_the_process_and_is_journalled(
    start_process: Callable[..., Any], control: Control
) -> None:
    """A rule may end the whole server before it answers, once."""
    first = start_process("--only", "anaplan", "--clock", "virtual")
    control(first.anaplan, "POST", "faults", {"kind": "kill_before", "path": "users/me"})
    try:
        httpx2.get(f"{first.anaplan}/2/0/users/me")
    except httpx2.TransportError:
        assert first.process.wait(20) == 137
    second = start_process("--only", "anaplan", "--clock", "virtual")
    assert control(second.anaplan, "GET", "journal")["lines"][0]["fault"] == "kill_before"
    assert httpx2.get(f"{second.anaplan}/2/0/users/me").status_code == 401


@pytest.mark.parametrize(
    ("only", "started"),
    [(("jde",), {"jde"}), (("anaplan", "jde"), {"anaplan", "jde"})],
)
def test_process_starts_those_it_was_told_to(
    state_dir: Path, only: tuple[str, ...], started: set[str]
) -> None:
    """Every server has its key on stdout; those that were not wanted have no address."""
    command = [sys.executable, "-m", "ml_connector.sandbox", "--state", str(state_dir)]
    wanted = [word for name in only for word in ("--only", name)]
    ended = subprocess.run(
        [*command, *wanted, "--lines", "900", "--exit-with-stdin"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        timeout=60,
        check=True,
    )
    told = json.loads(ended.stdout)
    assert set(told) == {"fusion", "anaplan", "jde", "state"}
    assert {name for name, url in told.items() if name != "state" and url} == started


def test_third_of_the_lines_is_for_jde(state_dir: Path, clock: SandboxClock) -> None:
    """The company there has about as many ledger rows."""
    [server] = build_servers(state_dir, clock, only=["jde"], lines=3_000).values()
    rows = server.info()["lines"]
    server.stop()
    assert 800 <= rows <= 1_200
