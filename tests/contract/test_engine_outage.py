"""A database that goes away: steps are executed again, runs leave when told to, none is lost."""

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dbos import _sys_db, _sys_db_postgres
from sqlalchemy import create_engine
from sqlalchemy.exc import ProgrammingError
from tests.fakes.engines import make_engine, read_nothing
from tests.fakes.outages import Way, way_to
from tests.fakes.postgres import Postgres, query_database

from ml_connector.engine import heart, outage, patience, reaper
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.errors import StoppedRunError
from ml_connector.engine.observer import SilentObserver
from ml_connector.engine.outage import DatabaseStaysAwayError
from ml_connector.errors import ConnectorError, DatabaseAwayError
from ml_connector.ports import FlowFunction, Json, Steps

PATIENCE_S = 60.0
LEAVE_S_MAX = 50.0
"""The library by itself tries for minutes."""
LOOK_S = 0.02
AWAY = "database.away name=engine since="


class Absence:
    """A database that is away for so many looks, again and again."""

    def __init__(self, *, looks: int = 1, meetings: int = 1) -> None:
        self._looks = looks
        self._meetings = meetings
        self._looked = 0

    def meet(self) -> None:
        """What a call of the stores does."""
        if self._meetings:
            self._meetings -= 1
            self._looked = 0
            raise DatabaseAwayError("records", "gone", is_back=self._is_back)

    def _is_back(self) -> bool:
        self._looked += 1
        return self._looked >= self._looks


class Keeper(SilentObserver):
    """Keeps what it is told, when its database is there."""

    def __init__(self, absence: Absence) -> None:
        self.told: list[str] = []
        self._absence = absence

    def run_started(self, run_id: str) -> None:
        """Kept."""
        self._keep("run started")

    def step_started(self, run_id: str, name: str) -> int:
        """Kept."""
        self._keep(f"{name} started")
        return 0

    def step_finished(self, token: int, *, state: object, result: Json) -> None:
        """Kept."""
        self._keep(f"step {state}")

    def run_finished(
        self, run_id: str, *, summary: Json | None, error: ConnectorError | None
    ) -> None:
        """Kept."""
        self._keep("run finished" if error is None else f"run stopped by {error.code}")

    def run_given_back(self, run_id: str) -> None:
        """Kept."""
        self._keep("run given back")

    def _keep(self, what: str) -> None:
        self._absence.meet()
        self.told.append(what)


Launch = Callable[..., DurableEngine]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes hundredths."""
    monkeypatch.setattr(outage, "LOOK_S", 0.01)
    monkeypatch.setattr(patience, "RETRY_S_MAX", 0.05)
    monkeypatch.setattr(reaper, "LOOK_S", 0.05)
    monkeypatch.setattr(reaper, "LEFT_AFTER_S", 0.6)
    monkeypatch.setattr(reaper, "DEAD_AFTER_S", 1.5)
    # Less than that, as in the product: else a process that stood still takes itself for dead.
    monkeypatch.setattr(reaper, "GAP_S_MAX", 0.5)
    monkeypatch.setattr(heart, "BEAT_S", 0.1)


@pytest.fixture
def launch(engine_url: str) -> Iterator[Launch]:
    """Launches engines that execute one run each, which is queued; they are closed at the end."""
    launched: list[DurableEngine] = []

    def start(
        flow: FlowFunction, *, observer: SilentObserver | None = None, at: str = engine_url
    ) -> DurableEngine:
        engine = make_engine(at, flow, observer=observer or SilentObserver())
        launched.append(engine)
        engine.launch()
        engine.start(flow="f", run_id="r1", request={}, queue_key="model")
        return engine

    yield start
    for engine in launched:
        engine.close(wait_s=0.0)


def flow_meeting(absence: Absence, *, between: bool = False) -> tuple[FlowFunction, list[str]]:
    """A flow whose second step, or what is between its two, asks that database; and its tale."""
    tale: list[str] = []

    def read() -> Json:
        tale.append("read")
        return {"lines": 1}

    def load() -> Json:
        tale.append("load")
        if not between:
            absence.meet()
        return {"cells": 1}

    def flow(steps: Steps, request: Json) -> Json:
        steps.step("read", read)
        if between:
            absence.meet()
        return steps.step("load", load)

    return flow, tale


class HeldFlow:
    """A flow of one step that ends when it may, and its tale."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.tale: list[str] = []

    def __call__(self, steps: Steps, request: Json) -> Json:
        """Read, in one step."""
        return steps.step("read", self._read)

    def _read(self) -> Json:
        self.tale.append("read")
        self.begun.set()
        self.may_end.wait()
        return {"lines": 1}


def test_step_that_meets_an_absence_is_executed_again_and_no_other(
    launch: Launch, engine_url: str
) -> None:
    """It counts as one attempt, however often the database went; what was done stays done."""
    flow, tale = flow_meeting(Absence(looks=2, meetings=3))
    observer = Keeper(Absence(meetings=0))

    assert launch(flow, observer=observer).wait("r1") == {"cells": 1}

    assert tale == ["read", "load", "load", "load", "load"]
    assert observer.told == [
        "run started", "read started", "step done", "load started", "step done", "run finished",
    ]  # fmt: skip
    steps = query_database(engine_url, "SELECT function_name FROM dbos.operation_outputs")
    assert len(steps) == 2


def test_history_that_is_away_at_every_call_is_told_everything_once(launch: Launch) -> None:
    """Start, steps and end of a run wait for the records."""

    class Flaky(Keeper):
        def _keep(self, what: str) -> None:
            self._absence = Absence(meetings=0 if what in self.met else 1)
            self.met.add(what)
            super()._keep(what)

        met: set[str] = set()  # noqa: RUF012 - one run.

    observer = Flaky(Absence(meetings=0))
    assert launch(read_nothing, observer=observer).wait("r1") == {"lines": 1}
    assert observer.told == ["run started", "read started", "step done", "run finished"]


def test_run_that_meets_an_absence_between_two_steps_is_queued_again_and_ends(
    launch: Launch,
) -> None:
    """There is nothing there to execute again, so the run goes through its queue; steps stay."""
    flow, tale = flow_meeting(Absence(meetings=1), between=True)
    observer = Keeper(Absence(meetings=0))

    assert launch(flow, observer=observer).wait("r1") == {"cells": 1}

    assert tale == ["read", "load"]
    assert observer.told.count("run given back") == 1
    assert observer.told[-1] == "run finished"


def test_run_this_process_has_and_does_not_execute_is_queued_again(
    launch: Launch, engine_url: str
) -> None:
    """The database gave it the run and went away before it could say so."""
    engine = launch(read_nothing)
    assert engine.wait("r1") == {"lines": 1}
    query_database(
        engine_url,
        "UPDATE dbos.workflow_status SET status = 'PENDING', output = NULL, owner_xid = 'lost'",
        "DELETE FROM dbos.operation_outputs",
    )
    assert engine.wait("r1") == {"lines": 1}


def test_absence_that_outlasts_its_limit_interrupts_the_run_which_is_resumed(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends as interrupted, with what to do; afterwards the same step is executed."""
    absence = Absence(looks=1_000_000)
    flow, tale = flow_meeting(absence)
    monkeypatch.setattr(outage, "AWAY_S_MAX", 0.05)
    observer = Keeper(Absence(meetings=0))
    engine = launch(flow, observer=observer)
    with pytest.raises(DatabaseStaysAwayError, match="ml-connector runs resume r1"):
        engine.wait("r1")
    engine.resume("r1")
    assert engine.wait("r1") == {"cells": 1}
    assert tale == ["read", "load", "load"]
    assert "run stopped by engine.database-stays-away" in observer.told


def test_stop_ends_the_wait_of_a_run_at_once(launch: Launch) -> None:
    """Whoever stops a process does not wait for its database."""
    met = threading.Event()

    def meet() -> Json:
        met.set()
        raise DatabaseAwayError("records", "gone", is_back=lambda: False)

    engine = launch(lambda steps, _request: steps.step("read", meet))
    assert met.wait(PATIENCE_S)
    engine.request_stop()
    with pytest.raises(StoppedRunError):
        engine.wait("r1")


def test_engine_whose_own_database_is_away_leaves_when_told_to_and_its_run_goes_on_elsewhere(
    launch: Launch, engine_url: str, postgres: Postgres
) -> None:
    """Neither who executes nor who follows hangs in the library; the next one loses nothing."""
    held = HeldFlow()
    with way_to(postgres) as way:
        engine = launch(held, at=way.url(engine_url))
        held.begun.wait()
        way.cut()
        held.may_end.set()
        began_at = time.monotonic()
        engine.request_stop()
        with pytest.raises(StoppedRunError):
            engine.wait("r1")
        assert engine.close(wait_s=LEAVE_S_MAX) == []
        assert time.monotonic() - began_at < LEAVE_S_MAX
    assert launch(held).wait("r1") == {"lines": 1}
    assert held.tale == ["read", "read"]


def test_follower_goes_on_when_the_database_is_back_and_says_once_that_it_was_away(
    launch: Launch, engine_url: str, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    """A step that ends while the database is away is stored later; the next run is taken too."""
    held = HeldFlow()
    with way_to(postgres) as way:
        engine = launch(held, at=way.url(engine_url))
        held.begun.wait()
        way.cut()
        held.may_end.set()
        mend_later(way, caplog)
        assert engine.wait("r1") == {"lines": 1}
        engine.start(flow="f", run_id="r2", request={}, queue_key="model")
        assert engine.wait("r2") == {"lines": 1}
        engine.close()
    assert held.tale == ["read", "read"]
    told = [one.getMessage() for one in caplog.records]
    # A try that was begun before may fail after another one has passed; there are many tries.
    assert 1 <= sum(line.startswith(AWAY) for line in told) <= 2
    assert not [line for line in told if line.startswith(patience.TOLD)]


def mend_later(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    """The way is whole again three tenths of a second after somebody has met its end."""

    def mend() -> None:
        ends_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_at and AWAY not in caplog.text:
            threading.Event().wait(LOOK_S)
        threading.Event().wait(0.3)
        way.mend()

    threading.Thread(target=mend, daemon=True).start()


def test_library_still_waits_and_speaks_as_is_relied_on() -> None:
    """Its waits go through the name that is replaced, and its lines begin as is known."""
    patience.bound_waits()
    source = inspect.getsource(_sys_db) + inspect.getsource(_sys_db_postgres)
    assert "time.sleep(actual_backoff)" in source
    assert patience.TOLD[0] in source
    assert patience.TOLD[1] in source
    slept: list[float] = []
    with patience.pausing(slept.append):
        vars(_sys_db)["time"].sleep(60.0)
    assert slept == [patience.RETRY_S_MAX]
    assert vars(_sys_db)["time"].time() > 0


def test_server_that_cannot_even_be_called_is_away_and_no_fault(tmp_path: Path) -> None:
    """Its socket is gone while it starts anew: the library tries again, as it does when cut off."""
    patience.bound_waits()
    away = create_engine(f"postgresql+psycopg://postgres@/lab?host={tmp_path}")
    tries: list[float] = []

    def ask() -> str:
        if tries:
            return "back"
        away.connect()
        raise AssertionError("nobody serves there")

    retry = vars(_sys_db)["db_retry"]()
    with patience.pausing(tries.append):
        assert retry(ask)() == "back"
    assert len(tries) == 1
    with pytest.raises(ProgrammingError), patience.pausing(tries.append):
        retry(_ask_wrongly)()


def _ask_wrongly() -> None:
    raise ProgrammingError("SELECT", {}, Exception("no such table"))
