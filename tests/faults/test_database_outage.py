"""The database goes away in the midst of a run: the run waits and goes on, and loads once."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.conftest import ACTUALS, Company, Office, fill_lists
from tests.fakes.children import find_environment
from tests.fakes.outages import Restarter, Way, restarting, way_to
from tests.fakes.postgres import Postgres, query_database
from tests.fakes.steps import Crash
from tests.faults.test_workers_takeover import RUN, URLS, template

from ml_connector.engine import outage, patience
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.errors import UnknownRunError
from ml_connector.flows.runs import NotResumableError
from ml_connector.ports import IntentState, RunState
from ml_connector.wiring import open_house

__all__ = ["template"]

CHILD = Path(__file__).with_name("outage_child.py")
ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0
LEAVE_S_MAX = 5.0
SILENT_S = 4.0
"""Longer than the workers here wait for a silent one."""


@dataclass(slots=True)
class Desk:
    """A worker that holds on, the way to its database, and a run that is followed from here."""

    company: Company
    root: Path
    marks: Path
    way: Way
    url: str
    """Of the database, past the way."""
    stack: ExitStack
    followed: "Future[Any] | None" = None
    errors: list[str] = field(default_factory=list)
    """What the worker says on stderr."""

    def work(self, *places: str) -> "subprocess.Popen[str]":
        """A worker that holds on at these places; it is in the crew."""
        before = self.members()
        process = subprocess.Popen(
            [sys.executable, str(CHILD), str(self.root), self.company.fusion, str(self.marks),
             *places],
            stderr=subprocess.PIPE, text=True, env=find_environment(),
        )  # fmt: skip
        listener = threading.Thread(target=self._listen, args=(process,))
        listener.start()
        self.stack.callback(process.wait)
        self.stack.callback(listener.join)
        self.stack.callback(process.kill)
        self.until(lambda: self.members() - before)
        return process

    def run(self) -> "Future[Any]":
        """The run is queued; what it ended with."""

        def follow() -> Any:
            with open_house(self.root, clock=self.company.clock()) as house:
                return house.run_as(RUN, ACTUALS, {})

        self.followed = self.stack.enter_context(ThreadPoolExecutor(1)).submit(follow)
        return self.followed

    def has_ended(self) -> bool:
        """Whether the run is over; what stopped it is raised."""
        assert self.followed is not None
        return self.followed.done() and self.followed.result() is not None

    def wait_held(self, place: str) -> None:
        """The worker holds on at the place, unless the run has ended before."""
        self.until(lambda: (self.marks / place).exists() or self.has_ended())
        assert not self.has_ended()

    def let_go(self, place: str) -> None:
        """The worker goes on."""
        (self.marks / f"{place}.go").touch()

    def count_away(self) -> int:
        """How often the worker has found the records away."""
        return sum("database.away name=records" in line for line in self.errors)

    def wait_away(self, times: int = 1) -> None:
        """The worker has found the records away that often."""
        self.until(lambda: self.count_away() == times)

    def until(self, holds: Any) -> None:
        """Return when it holds."""
        last = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < last, self.errors[-30:]
            threading.Event().wait(0.02)

    def verify_whole(
        self, run: Any, cells: dict[str, str], *, handed_on: Collection[str] = ()
    ) -> None:
        """A success as if nothing had happened: one task, an exact tie-out, a whole chain."""
        assert run.state is RunState.SUCCEEDED
        assert {row["unexplained"] for row in run.summary["tie_out"]} == {"0"}
        assert self.company.cells() == cells
        assert len(self.company.starts()) == 1
        with open_house(self.root, clock=self.company.clock()) as house:
            records = house.records
            records.audit.verify()
            [intent] = records.intents.load_intents(run_id=RUN)
            assert intent.state is IntentState.CONFIRMED
            [load] = records.loads.load_loads(run_id=RUN)
            assert load.task_id == intent.task_id
            links = [link.event for link in records.audit.find(RUN, limit=500)]
            assert len([event for event in links if event.startswith("task.")]) == 1
            assert links.count("run.started") == 1
            moves = {"run.taken-over", "run.given-back", "run.resumed"}
            assert moves & set(links) == set(handed_on)
            states = {step.state for step in records.runs.load_steps(RUN)}
            assert states <= {"done", "running"}

    def members(self) -> set[object]:
        """Executors that are in the crew."""
        rows = query_database(self.url, "SELECT executor_id FROM ml_connector_worker")
        return {row[0] for row in rows}

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with process.stderr:
            self.errors.extend(process.stderr)


@pytest.fixture(scope="session")
def restarter(postgres: Postgres) -> Iterator[Restarter]:
    """Who stops and starts the session's server; not one that somebody has lent."""
    if os.environ.get("TEST_PG_URL"):
        pytest.skip("a server that is not ours is not stopped")
    with restarting(postgres) as restarter:
        yield restarter


@pytest.fixture
def desk(
    template: tuple[str, Path],
    company: Company,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    """A fresh project on a database of its own, over a way that can be cut."""
    monkeypatch.setattr(patience, "RETRY_S_MAX", 0.1)
    monkeypatch.setattr(outage, "LOOK_S", 0.1)
    fill_lists(company)
    root, marks = tmp_path / "project", tmp_path / "marks"
    shutil.copytree(template[1], root)
    marks.mkdir()
    with (
        postgres.database(template=template[0]) as url,
        way_to(postgres) as way,
        ExitStack() as stack,
    ):
        # A crash may lose nothing that was confirmed; the tests' own servers are told otherwise.
        name = urlsplit(url).path[1:]
        postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        # Nor may numbers be given twice: in a fresh copy they are not written down before this.
        postgres.execute("CHECKPOINT")
        for variable in URLS:
            monkeypatch.setenv(variable, way.url(url))
        yield Desk(company=company, root=root, marks=marks, way=way, url=url, stack=stack)
        way.mend()


@pytest.mark.long
def test_run_whose_database_goes_away_again_and_again_goes_on_each_time(
    desk: Desk, quiet_cells: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    """In the reading, between a start and its reply, in the polling and at its end: it waits."""
    places = ("read", "reply", "poll", "end")
    desk.work(*places)
    followed = desk.run()
    for number, place in enumerate(places, start=1):
        desk.wait_held(place)
        desk.way.cut()
        desk.let_go(place)
        desk.wait_away(number)
        assert not followed.done()
        desk.way.mend()
    desk.verify_whole(followed.result(PATIENCE_S), quiet_cells)
    told = capfd.readouterr().err
    # A try that was begun before may fail after another one has passed; there are many tries.
    assert 1 <= told.count("database.away name=engine since=") <= 2 * len(places)
    assert told.count("database.away name=engine") == told.count("database.back name=engine")


@pytest.mark.long
@pytest.mark.exhaustive
def test_run_whose_commits_are_stored_and_not_answered_doubles_and_loses_nothing(
    desk: Desk, quiet_cells: dict[str, str]
) -> None:
    """The first write to each table of ours is kept and its answer lost: all is told once."""
    desk.work("read")
    followed = desk.run()
    desk.wait_held("read")
    desk.way.lose_first_commits()
    desk.let_go("read")
    desk.verify_whole(followed.result(PATIENCE_S), quiet_cells)
    assert desk.way.writes_lost >= {
        "INSERT records_auditlink", "INSERT records_batchrevision", "INSERT records_intent",
        "INSERT records_load", "INSERT records_plan", "INSERT records_shadowfile",
        "UPDATE records_intent", "UPDATE records_run", "INSERT dbos.operation_outputs",
        "UPDATE dbos.workflow_status",
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.exhaustive
def test_worker_that_waits_for_its_database_leaves_when_it_is_terminated(
    desk: Desk, quiet_cells: dict[str, str]
) -> None:
    """Within five seconds; another one finds the task it had started and ends the run."""
    worker = desk.work("reply")
    followed = desk.run()
    desk.wait_held("reply")
    desk.way.cut()
    desk.let_go("reply")
    desk.wait_away()
    began_at = time.monotonic()
    worker.terminate()
    assert worker.wait(PATIENCE_S) == 0
    assert time.monotonic() - began_at < LEAVE_S_MAX
    desk.way.mend()
    desk.work()
    run = followed.result(PATIENCE_S)
    desk.verify_whole(run, quiet_cells, handed_on={"run.taken-over"})


@pytest.mark.exhaustive
@pytest.mark.long
def test_run_survives_a_crash_and_restart_of_the_server(
    desk: Desk, quiet_cells: dict[str, str], restarter: Restarter
) -> None:
    """Every session dies, the server recovers, and the load that was under way is found."""
    desk.work("reply", "poll")
    followed = desk.run()
    for number, place in enumerate(("reply", "poll"), start=1):
        desk.wait_held(place)
        restarter.stop()
        desk.let_go(place)
        desk.wait_away(number)
        restarter.start()
    desk.verify_whole(followed.result(PATIENCE_S), quiet_cells)


@pytest.mark.long
@pytest.mark.exhaustive
def test_workers_that_all_fell_silent_are_not_taken_for_dead(
    desk: Desk, quiet_cells: dict[str, str]
) -> None:
    """Nothing passes, and nobody is told so, for longer than a dead process is waited for."""
    desk.work("reply")
    desk.work("reply")
    followed = desk.run()
    desk.wait_held("reply")
    before = desk.members()
    desk.way.block()
    desk.let_go("reply")
    threading.Event().wait(SILENT_S)
    desk.way.mend()
    desk.verify_whole(followed.result(PATIENCE_S), quiet_cells)
    assert desk.members() == before


def test_run_that_was_recorded_and_never_queued_begins_when_it_is_resumed(
    office: Office, quiet_cells: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process has died between the two; request, flow and queue are known all the same."""
    with monkeypatch.context() as patch:
        patch.setattr(DurableEngine, "start", die)
        with pytest.raises(Crash):
            office.run()
    left = office.newest()
    assert left.state is RunState.QUEUED
    run = office.resume(left.run_id)
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    with pytest.raises(NotResumableError):
        office.resume(left.run_id)


def test_run_that_has_begun_in_another_engine_is_not_begun_anew(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps are in its history, so the engine's progress is what is missing."""
    with monkeypatch.context() as patch:
        patch.setattr(DurableEngine, "start", die)
        with pytest.raises(Crash):
            office.run()
    left = office.newest()
    with open_house(office.root, clock=office.clock) as house:
        house.records.runs.record_step_started(left.run_id, "preflight")
        with pytest.raises(UnknownRunError):
            house.resume(left.run_id)
    assert office.company.starts() == []


def die(*_: Any, **__: Any) -> None:
    """The process ends here."""
    raise Crash("start")
