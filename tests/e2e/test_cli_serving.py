"""A server on SQLite in a process of its own, and commands beside it that hand it their runs.

The server takes the machine's time while the sandbox's clock stands still, so a load it waits for
goes on only when the test moves that clock.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ACTUALS, Office

PATIENCE_S = 90.0
WAITS = "read back: export"
"""A step that waits for a task of the model, and so for the sandbox's clock."""


@dataclass(slots=True)
class Hall:
    """Commands in processes of their own, on the office's project."""

    office: Office
    typist: Any
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """The command runs."""
        popen = self.stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "ml_connector", *arguments, "--project",
                 str(self.office.root)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        )  # fmt: skip
        self.stack.callback(popen.kill)
        return popen

    def serve(self) -> "subprocess.Popen[str]":
        """A server that has the state folder."""
        server = self.start("serve", "--set", "pages.port=0")
        assert server.stderr is not None
        assert "executes the runs" in server.stderr.readline()
        self.until(lambda: self.lock.exists() and '"serves": true' in self.lock.read_text())
        return server

    @property
    def lock(self) -> Path:
        """What says who has the state folder."""
        return self.office.root / ".state" / "engine.lock"

    def until(self, holds: Callable[[], bool], *, moves: bool = False) -> None:
        """Return when it holds; the sandbox's clock moves on meanwhile if it shall."""
        last = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < last, self.newest()
            if moves:
                self.office.clock.sleep(2)
            threading.Event().wait(0.05)

    def newest(self) -> Any:
        """The newest run of the history."""
        return self.typist.type("runs", "list", "--limit", "1", "-o", "json").json[0]

    def is_in(self, step: str) -> bool:
        """Whether the newest run executes a step of that name."""
        shown = self.typist.type("runs", "show", self.newest()["run"], "-o", "json")
        steps = shown.json["steps"]
        return any(its["name"].startswith(step) and its["state"] == "running" for its in steps)


@pytest.fixture
def hall(office: Office, typist: Any) -> Iterator[Hall]:
    """Nothing outlives the test."""
    made = Hall(office, typist)
    with made.stack:
        yield made


@pytest.mark.long
def test_command_beside_a_server_hands_it_the_run_and_ends_as_the_run_does(hall: Hall) -> None:
    """Recorded, taken, followed, also when it fails; Ctrl-C leaves it to the server."""
    server = hall.serve()
    wrong = hall.start("run", ACTUALS, "--period", "Foo-99")
    hall.until(lambda: wrong.poll() is not None, moves=True)
    out, err = wrong.communicate()
    assert (wrong.returncode, out) == (2, ""), err
    assert "Foo-99" in err, "the run's own error, with its own exit code"
    command = hall.start("run", ACTUALS)
    hall.until(lambda: hall.newest()["state"] == "running" and hall.is_in(WAITS))
    run_id = hall.newest()["run"]
    assert hall.typist.type("runs", "cancel", run_id).code == 6, "the server executes it"
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, out) == (130, ""), err
    assert f"The run {run_id} is not followed any more." in err
    hall.until(lambda: hall.newest()["state"] == "succeeded", moves=True)
    assert len(hall.office.company.starts()) == 1
    server.send_signal(signal.SIGTERM)
    _, told = server.communicate(timeout=PATIENCE_S)
    assert server.returncode == 0, told
    assert f"Run {run_id} ended as succeeded." in told
    assert "Stopping: nothing new begins here." in told
    assert hall.lock.read_text() == "", "the folder is free again"
