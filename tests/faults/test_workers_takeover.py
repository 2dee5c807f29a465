"""Workers on one PostgreSQL that die or stand still in the midst of a load: still one load."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ACTUALS, ONE_LEDGER, Company, ProjectMaker, fill_lists
from tests.fakes.children import find_environment
from tests.fakes.postgres import Postgres, query_database

from ml_connector.errors import StoredError
from ml_connector.flows.runs import NotResumableError
from ml_connector.ports import IntentState, RunState
from ml_connector.wiring import open_house

CHILD = Path(__file__).with_name("worker_child.py")
RUN = "261122-060000-move"
TAKEN_OVER_S_MAX = 15.0
HELD_S_MAX = 30.0
PATIENCE_S = 90.0
URLS = ("ML_CONNECTOR__DATABASE_URL", "ML_CONNECTOR__ENGINE_URL")


@pytest.fixture(scope="module")
def template(
    postgres: Postgres, shared_company: Company, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A database and a project whose tables and secrets stand already."""
    root = tmp_path_factory.mktemp("shared") / "project"
    with postgres.database(template=postgres.migrated) as url:
        with pytest.MonkeyPatch.context() as patch:
            for name in URLS:
                patch.setenv(name, url)
            ProjectMaker(company=shared_company, root=root).make(**ONE_LEDGER)
            with open_house(root, clock=shared_company.clock()) as house:
                assert house.engine is not None
        yield url, root


@dataclass(slots=True)
class Floor:
    """Workers in processes of their own, and a run that is followed from here."""

    company: Company
    root: Path
    url: str
    marks: Path
    stack: ExitStack
    told: list[dict[str, Any]] = field(default_factory=list)
    heard: threading.Condition = field(default_factory=threading.Condition)

    def start(self, *places: str, pace: str = "quick") -> list[int]:
        """Process ids of workers that execute runs, one for each place to stand still at."""
        process = self.stack.enter_context(
            subprocess.Popen(
                [
                    sys.executable, str(CHILD), str(self.root), self.company.fusion,
                    str(self.marks), pace, *places,
                ],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=find_environment(),
            )
        )  # fmt: skip
        listener = threading.Thread(target=self._listen, args=(process,))
        listener.start()
        self.stack.callback(listener.join)
        assert process.stdin is not None
        self.stack.callback(process.stdin.close)
        (line,) = self.wait_for(lambda one: "children" in one)
        self.until(lambda: len(self.members()) == len(places))
        return list(line["children"])

    def run(self) -> "Future[Any]":
        """The run is queued; what it ended with."""

        def follow() -> Any:
            with open_house(self.root, clock=self.company.clock()) as house:
                return house.run_as(RUN, ACTUALS, {})

        pool = self.stack.enter_context(ThreadPoolExecutor(1))
        return pool.submit(follow)

    def wait_still(self, place: str) -> int:
        """The process that stands still at that place."""
        mark = self.marks / place.replace(":", "-")
        self.until(lambda: mark.exists() and mark.read_text() != "")
        pid = int(mark.read_text())
        self.until(lambda: Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] == "T")
        return pid

    def wait_for(self, is_it: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """The lines told so far that are it, once there is one."""
        with self.heard:
            assert self.heard.wait_for(lambda: any(is_it(one) for one in self.told), PATIENCE_S), (
                self.told
            )
            return [one for one in self.told if is_it(one)]

    def until(self, holds: Callable[[], bool]) -> None:
        """Return when it holds."""
        last = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < last, self.told
            threading.Event().wait(0.05)

    def members(self) -> list[str]:
        """Executors that are in the crew."""
        rows = query_database(self.url, "SELECT executor_id FROM ml_connector_worker")
        return [str(row[0]) for row in rows]

    def holder(self) -> int | None:
        """The process that holds the model; None while nobody does."""
        rows = query_database(self.url, "SELECT holder FROM records_modellease")
        held = [str(row[0]).rsplit(":", 2)[1] for row in rows if row[0]]
        return int(held[0]) if held else None

    def intents(self) -> list[Any]:
        """Intents of the run."""
        with open_house(self.root, clock=self.company.clock()) as house:
            house.records.audit.verify()
            return house.records.intents.load_intents(run_id=RUN)

    def events(self, name: str) -> list[Any]:
        """Links of the audit chain of that kind."""
        with open_house(self.root, clock=self.company.clock()) as house:
            return [one for one in house.records.audit.find(RUN, limit=500) if one.event == name]

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self.heard:
                self.told.append({**json.loads(line), "at": time.monotonic()})
                self.heard.notify_all()


@pytest.fixture
def floor(
    template: tuple[str, Path],
    company: Company,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Floor]:
    """A fresh project on a database of its own; the model's lists are filled."""
    fill_lists(company)
    root, marks = tmp_path / "project", tmp_path / "marks"
    shutil.copytree(template[1], root)
    marks.mkdir()
    with postgres.database(template=template[0]) as url:
        for name in URLS:
            monkeypatch.setenv(name, url)
        with open_house(root) as house:
            assert house.records  # This thread's connections are of this database from now on.
        with ExitStack() as stack:
            yield Floor(company=company, root=root, url=url, marks=marks, stack=stack)


def verify_one_load(floor: Floor, run: Any, cells: dict[str, str]) -> None:
    """A success; the cells are those of an undisturbed run; its task was started once."""
    assert run.state is RunState.SUCCEEDED
    assert {row["unexplained"] for row in run.summary["tie_out"]} == {"0"}
    assert floor.company.cells() == cells
    (intent,) = floor.intents()
    assert intent.state is IntentState.CONFIRMED
    assert len(floor.company.starts()) == 1


@pytest.mark.long
def test_worker_command_says_what_it_is_and_leaves_the_crew_when_terminated(floor: Floor) -> None:
    """SIGTERM is how a supervisor stops it: exit code 0, and no row is left behind."""
    worker = floor.stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "ml_connector", "worker", "--project", str(floor.root)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env=find_environment(),
        )
    )  # fmt: skip
    floor.stack.callback(worker.kill)
    assert worker.stderr is not None
    first = worker.stderr.readline()
    assert "executes the runs of organisation default" in first
    floor.until(lambda: len(floor.members()) == 1)
    worker.send_signal(signal.SIGTERM)
    out, err = worker.communicate(timeout=PATIENCE_S)
    assert (worker.returncode, out) == (0, ""), err
    assert "what was begun is left to others" in err
    assert floor.members() == []


@pytest.mark.exhaustive
@pytest.mark.long
def test_command_executes_its_run_when_no_worker_lives(
    quiet_cells: dict[str, str], floor: Floor
) -> None:
    """A project on PostgreSQL needs no worker; the process was one for as long as it ran."""
    run = floor.run().result(PATIENCE_S)
    verify_one_load(floor, run, quiet_cells)
    assert floor.members() == []
    with open_house(floor.root, clock=floor.company.clock()) as house:
        with pytest.raises(NotResumableError, match="is succeeded already"):
            house.cancel(RUN)
        assert len(house.records.runs.load_runs(flow=ACTUALS)) == 1


@pytest.mark.exhaustive
@pytest.mark.long
def test_error_of_a_run_reaches_the_command_that_follows_it(floor: Floor) -> None:
    """It has the code and exit code it has on the worker; the run may go on or be put away."""
    floor.company.fail(floor.company.anaplan, path="/chunks/0$", kind="status", status=400)
    floor.start("nowhere")
    error = floor.run().exception(PATIENCE_S)
    assert isinstance(error, StoredError), error
    with open_house(floor.root, clock=floor.company.clock()) as house:
        kept = house.records.runs.load_run(RUN)
        assert kept.error is not None
        assert kept.error["code"] == error.stored_code
        assert house.resume(RUN).state is RunState.SUCCEEDED


@pytest.mark.long
@pytest.mark.timeout(240)
def test_run_of_a_killed_worker_goes_on_within_15_seconds(
    quiet_cells: dict[str, str], floor: Floor
) -> None:
    """Another worker has it by then, soon has its model, and ends it without a second load."""
    floor.start("after:submit_task", "after:submit_task", pace="real")
    followed = floor.run()
    dead = floor.wait_still("after:submit_task")
    killed_at = time.monotonic()
    os.kill(dead, signal.SIGKILL)

    begun = floor.wait_for(lambda one: "begins here" in one.get("what", "") and one["pid"] != dead)

    assert begun[0]["at"] - killed_at < TAKEN_OVER_S_MAX
    floor.until(lambda: floor.holder() not in (None, dead))
    assert time.monotonic() - killed_at < HELD_S_MAX
    verify_one_load(floor, followed.result(PATIENCE_S), quiet_cells)
    assert len(floor.events("run.taken-over")) == 1


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "place", ["before:submit_task", "before:submit_chunk", "after:submit_task"]
)
def test_worker_that_wakes_up_late_sends_and_stores_nothing(
    place: str, quiet_cells: dict[str, str], floor: Floor
) -> None:
    """Its run was taken over and ended meanwhile; it says so and leaves."""
    floor.start(place, place)
    followed = floor.run()
    frozen = floor.wait_still(place)
    run = followed.result(PATIENCE_S)
    verify_one_load(floor, run, quiet_cells)

    os.kill(frozen, signal.SIGCONT)
    (left,) = floor.wait_for(lambda one: one["pid"] == frozen and "error" in one)

    assert left["error"].startswith("TakenForDeadError")
    verify_one_load(floor, run, quiet_cells)
    assert len(floor.members()) == 1


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.exhaustive
def test_send_that_nothing_could_call_back_is_noticed_and_loads_nothing_twice(
    quiet_cells: dict[str, str], floor: Floor
) -> None:
    """Frozen between its last look and the request, the request leaves after the take-over."""
    place = "send:submit_task"
    floor.start(place, place)
    followed = floor.run()
    frozen = floor.wait_still(place)
    run = followed.result(PATIENCE_S)
    verify_one_load(floor, run, quiet_cells)

    os.kill(frozen, signal.SIGCONT)
    floor.wait_for(lambda one: one["pid"] == frozen and "error" in one)

    floor.until(lambda: bool(floor.events("task.late")))
    (intent,) = floor.intents()
    (late,) = floor.events("task.late")
    tasks = {one["task"] for one in floor.company.model("read_tasks")}
    assert late.details["counted"] == intent.task_id != late.subject
    assert {late.subject, intent.task_id} <= tasks
    assert floor.company.cells() == quiet_cells
