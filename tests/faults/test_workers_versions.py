"""Real workers of two versions on one PostgreSQL: none takes the other's runs, whatever happens."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest
from tests.fakes.children import find_environment
from tests.fakes.clock import FakeClock
from tests.fakes.postgres import Postgres

from ml_connector.cli.main import run_command
from ml_connector.engine import launching
from ml_connector.engine.crew import Role
from ml_connector.engine.crew_table import CrewTable, Member
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.observer import SilentObserver
from ml_connector.engine.versions import Progress, RunVersions, VersionedRun
from ml_connector.ports import Json, Steps
from ml_connector.settings import project_template
from ml_connector.wiring import engines, open_house
from ml_connector.wiring.projects import connection_models

CHILD = Path(__file__).with_name("versions_child.py")
PATIENCE_S = 60.0
LOOK_S = 0.05
LINES_MAX = 100
FLOW = "actuals-fusion"
NOBODY = "http://127.0.0.1:9"
"""Nothing is asked of other systems."""


@dataclass(slots=True)
class Floor:
    """Workers of two versions, and what they told."""

    url: str
    told: IO[str]
    write_to: int
    stack: ExitStack
    lines: list[dict[str, str]] = field(default_factory=list)

    def start(self, version: str) -> "subprocess.Popen[bytes]":
        """A worker of that version; gone at the end of the test."""
        process = subprocess.Popen(
            [sys.executable, str(CHILD), self.url, version], stdout=self.write_to,
            env=find_environment(),
        )  # fmt: skip
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def read_until(self, run: str, step: str, version: str) -> None:
        """Somebody of that version has begun the step of the run."""
        for _ in range(LINES_MAX):
            line = json.loads(self.told.readline())
            self.lines.append(line)
            if (line["run"], line["step"], line["version"]) == (run, step, version):
                return
        raise AssertionError(self.lines)

    def find(self, run_id: str) -> VersionedRun:
        """The run as the engine has it."""
        with RunVersions(self.url, queue=launching.QUEUE) as book:
            found = book.find_run(run_id)
        assert found is not None
        return found

    def wait_queued(self, run_id: str) -> None:
        """The run is in its queue again, of the version it was begun by."""
        last = time.monotonic() + PATIENCE_S
        while (found := self.find(run_id)).progress is not Progress.QUEUED:
            assert time.monotonic() < last, found
            threading.Event().wait(LOOK_S)
        assert found.version == "1"


def do_nothing(steps: Steps, request: Json) -> Json:
    """Who only asks executes nothing."""
    raise AssertionError((steps, request))


@contextmanager
def asking(url: str, version: int) -> Iterator[DurableEngine]:
    """A process of that version that queues runs and follows them."""
    engine = DurableEngine(
        url, clock=FakeClock(), observer=SilentObserver(), application_version=version,
        role=Role(executes=False),
    )  # fmt: skip
    engine.register("f", do_nothing)
    engine.launch()
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def floor(postgres: Postgres) -> Iterator[Floor]:
    """A database of this test's own, and a pipe that all workers tell on."""
    readable, writable = os.pipe()
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database())
        told = stack.enter_context(os.fdopen(readable))
        stack.callback(os.close, writable)
        yield Floor(url=url, told=told, write_to=writable, stack=stack)


@pytest.mark.long
def test_workers_of_two_versions_leave_each_others_runs_alone(floor: Floor) -> None:
    """A run goes on with the version it was begun by, or is moved; nothing of it is done twice.

    Its worker is killed, a second one of its version is stopped, and each time the worker of the
    other version, which has put it back into the queue and executes the runs behind it, leaves it.
    """
    with asking(floor.url, 1) as old:
        old.start(flow="f", run_id="old", request={"stays": "1"}, queue_key="model")
    killed, _ = floor.start("1"), floor.start("2")
    floor.read_until("old", "last", "1")
    with asking(floor.url, 2) as new:

        def run_behind(run_id: str) -> None:
            """A run of the same model: whatever the new worker may take, it has taken."""
            new.start(flow="f", run_id=run_id, request={}, queue_key="model")
            assert new.wait(run_id) == {"version": "2"}
            assert floor.find("old").progress is Progress.QUEUED

        killed.kill()
        floor.wait_queued("old")
        run_behind("after the kill")

        stopped = floor.start("1")
        floor.read_until("old", "last", "1")
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(PATIENCE_S) == 0
        floor.wait_queued("old")
        run_behind("after the stop")

        with RunVersions(floor.url, queue=launching.QUEUE) as book:
            assert (book.find_worker("1"), book.find_worker("2") is not None) == (None, True)
            assert book.move(floor.find("old"), to="2", on_moved=lambda: None)
        assert new.wait("old") == {"version": "2"}
    floor.read_until("old", "last", "2")
    steps = [(line["step"], line["version"]) for line in floor.lines if line["run"] == "old"]
    assert steps == [("first", "1"), ("last", "1"), ("last", "1"), ("last", "2")]


@pytest.mark.long
def test_people_are_told_that_no_worker_of_a_runs_version_lives_and_move_it(
    floor: Floor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By status and by the run itself, only while it is so; a queued run is moved as it waits."""
    content = project_template.render_sandbox_project(
        fusion_url=NOBODY, anaplan_url=NOBODY, jde_url="", workspace_id="a" * 32, model_id="A" * 32,
        connection_models=connection_models(),
    )  # fmt: skip
    project_template.save_project(tmp_path, content)
    for name in ("ML_CONNECTOR__DATABASE_URL", "ML_CONNECTOR__ENGINE_URL"):
        monkeypatch.setenv(name, floor.url)
    with open_house(tmp_path) as house:
        house.records.runs.create_run(
            run_id="old", flow=FLOW, kind="actuals", actor="kim", request={}
        )
        engine = house._make_engine(executes=False)
        engine.launch()
        engine.start(flow=FLOW, run_id="old", request={}, queue_key="model")
        engine.close()
    monkeypatch.setattr(engines, "APPLICATION_VERSION", 2)
    monkeypatch.setattr(engines, "MOVES_FROM", frozenset({1}))

    def type_command(*words: str) -> tuple[int, str]:
        code = run_command([*words, "--project", str(tmp_path)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    waits = "Run old was begun by version 1; this is version 2, and no worker of version 1 lives."
    for words in (("status",), ("runs", "show", "old")):
        code, told = type_command(*words)
        assert (code, waits in told, "`ml-connector runs move old`" in told) == (0, True, True)
    table = CrewTable(floor.url)
    table.join(Member(executor_id="old-1", queue=launching.QUEUE, version="1"))
    assert waits not in type_command("status")[1]
    table.leave("old-1")
    table.close()
    code, told = type_command("runs", "move", "--all", "--from", "1")
    assert (code, "moved from version 1 to 2" in told) == (0, True)
    assert floor.find("old").version == "2"
    assert "no worker of its version, 2, lives" in type_command("runs", "show", "old")[1]
