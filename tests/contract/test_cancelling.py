"""Putting a run away while somebody takes it: it is put away or executed, and never both."""

from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.fakes.clock import FakeClock

from ml_connector.flows.runs import NotResumableError, RunDesk, requeue_run
from ml_connector.ports import Records, RunState
from ml_connector.settings import Project
from ml_connector.wiring.engines import Engines
from ml_connector.wiring.observer import RunHistory
from ml_connector.wiring.workers import ExecutedRunError

SHARED = "postgresql://u:p@h/db"
TAKEN_S = 0.5
"""How long the worker is waited for; it lines up behind whoever puts the run away."""


class Worker:
    """Takes the run at the worst moment: after it was asked whether somebody has it."""

    def __init__(self, records: Records) -> None:
        self.found: list[str] = []
        self._records = records
        self._thread = Thread(target=self._begin)

    def is_executed(self, _run_id: str) -> bool:
        """Not yet."""
        self._thread.start()
        self._thread.join(TAKEN_S)
        return False

    def wait(self) -> None:
        """The worker has done what it can."""
        self._thread.join()

    def _begin(self) -> None:
        try:
            RunHistory(self._records, None).run_started("261122-r1")
        except NotResumableError:
            self.found.append("put away")
        else:
            self.found.append("begun")


def make_house(records: Records, engine: Any) -> Engines:
    """A house of one organisation among several workers."""
    settings = SimpleNamespace(engine_url=SHARED, database_url=SHARED)
    house: Any = Engines()
    house.project = cast("Project", SimpleNamespace(settings=settings))
    house.clock, house.actor, house.records, house.engine = FakeClock(), "kim", records, engine
    records.runs.create_run(run_id="261122-r1", flow="f", kind="actuals", actor="kim", request={})
    return cast("Engines", house)


def test_run_that_a_worker_takes_meanwhile_is_not_executed_and_put_away(records: Records) -> None:
    """The worker finds it put away, and reads and sends nothing."""
    worker = Worker(records)
    house = make_house(records, worker)

    assert house.cancel("261122-r1").state is RunState.CANCELLED

    worker.wait()
    assert worker.found == ["put away"]
    assert records.runs.load_run("261122-r1").state is RunState.CANCELLED


def test_executed_run_is_not_put_away_whatever_part_of_its_name_is_given(records: Records) -> None:
    """A beginning of the id names the same run to the engine as to the records."""
    engine = SimpleNamespace(is_executed=lambda run_id: run_id == "261122-r1")
    house = make_house(records, engine)

    for name in ("261122-r1", "261122"):
        with pytest.raises(ExecutedRunError):
            house.cancel(name)

    assert records.runs.load_run("261122-r1").state is RunState.QUEUED
    assert records.audit.find("261122-r1") == []


class Other:
    """Puts the run away at the worst moment: when it was seen that it may go on."""

    def __init__(self, records: Records) -> None:
        self.found: list[str] = []
        self._records = records
        self._house = make_house(records, SimpleNamespace(is_executed=self._is_running))
        self._thread = Thread(target=self._put_away)

    def record(self, *about: Any, **more: Any) -> None:
        """A link of the audit chain, and what happens meanwhile."""
        self._thread.start()
        self._thread.join(TAKEN_S)
        self._records.audit.record(*about, **more)

    def wait(self) -> None:
        """The other has done what they can."""
        self._thread.join()

    def _is_running(self, run_id: str) -> bool:
        return self._records.runs.load_run(run_id).state is RunState.RUNNING

    def _put_away(self) -> None:
        try:
            self._house.cancel("261122-r1")
        except ExecutedRunError:
            self.found.append("goes on")
        else:
            self.found.append("put away")


def test_run_that_somebody_lets_go_on_is_not_put_away_in_the_same_second(records: Records) -> None:
    """Nobody is told that a run is put away which then goes on."""
    other = Other(records)
    records.runs.save_run("261122-r1", RunState.INTERRUPTED)
    told = SimpleNamespace(
        runs=records.runs, audit=other, transactions=records.transactions,
        intents=records.intents, postings=records.postings,
    )  # fmt: skip
    engine = SimpleNamespace(resume=lambda _run_id: None)
    desk = RunDesk(
        engine=cast("Any", engine), records=cast("Records", told), clock=FakeClock(), actor="ben"
    )

    requeue_run(desk, "261122-r1")

    other.wait()
    assert other.found == ["goes on"]
    assert records.runs.load_run("261122-r1").state is RunState.RUNNING
