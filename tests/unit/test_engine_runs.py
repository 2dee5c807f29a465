"""Runs of the engine: stored steps, stops, resumes, queues."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from tests.fakes.postgres import Postgres

from ml_connector.engine import launching
from ml_connector.engine import steps as steps_module
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.errors import (
    EngineBusyError,
    OtherVersionError,
    StepOrderError,
    TooManyAttemptsError,
    UnknownFlowError,
    UnknownRunError,
    UnstorableValueError,
    ValueTooLargeError,
)
from ml_connector.engine.observer import RunObserver, SilentObserver, StepState
from ml_connector.errors import (
    BlockedError,
    ConnectorError,
    RunInterruptedError,
    StoredError,
    SystemUnavailableError,
)
from ml_connector.ports import Engine, FlowFunction, Json, Steps

PATIENCE_S = 20
ON_BOTH = frozenset(
    {
        "test_changed_step_order_fails_loudly_and_harms_nothing",
        "test_error_between_steps_stops_the_run_and_is_raised_again_after_resume",
        "test_failed_run_is_resumed_by_a_later_process",
        "test_failures_in_the_history_are_passed_over",
        "test_observer_hears_attempts_and_ends_but_no_replays",
        "test_poll_step_leaves_at_a_stop_and_is_taken_up_again",
        "test_queued_run_does_not_begin_after_a_stop",
        "test_resume_leaves_queued_running_and_done_runs_alone",
        "test_resumed_run_waits_for_its_key",
        "test_run_of_another_version_is_not_resumed",
        "test_run_returns_its_summary",
        "test_runs_of_one_key_never_overlap_and_others_do",
        "test_same_id_twice_is_one_run",
        "test_stop_leaves_the_run_resumable",
    }
)
"""Tests about what the engine's database holds; they run on PostgreSQL as well."""
AWAY = SystemUnavailableError("The ERP is away.", written="Nothing.", next_step="Wait.", page=3)


class QuickClock:
    """Sleeps no longer than a thread needs to get on."""

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let other threads run."""
        threading.Event().wait(0.005)


class Listener:
    """Keeps what the engine tells."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def run_started(self, run_id: str) -> None:
        """Kept."""
        self.heard.append(("run", run_id))

    def step_started(self, run_id: str, name: str) -> int:
        """Kept."""
        self.heard.append(("step", run_id, name))
        return len(self.heard)

    def step_finished(self, token: int, *, state: StepState, result: Json) -> None:
        """Kept."""
        self.heard.append(("step ended", self.heard[token - 1][2], state, result))

    def run_finished(
        self, run_id: str, *, summary: Json | None, error: ConnectorError | None
    ) -> None:
        """Kept."""
        self.heard.append(("run ended", run_id, summary, error))

    def run_given_back(self, run_id: str) -> None:
        """Kept."""
        self.heard.append(("given back", run_id))

    def run_taken_over(self, run_id: str) -> None:
        """Kept."""
        self.heard.append(("taken over", run_id))


class Body:
    """A step's body that counts its calls and fails as often as it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.calls = 0
        self.failures = list(failures)

    def __call__(self) -> Json:
        """Fail, or return the count of calls."""
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return {"calls": self.calls}


Launch = Callable[..., DurableEngine]


@pytest.fixture
def listener() -> Listener:
    """Hears all engines of a test."""
    return Listener()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test runs on SQLite, or on both kinds of database."""
    if "engine_url" in metafunc.fixturenames:
        is_on_both = metafunc.function.__name__ in ON_BOTH
        kinds = ["sqlite", "postgresql"] if is_on_both else ["sqlite"]
        metafunc.parametrize("engine_url", kinds, indirect=True)


@pytest.fixture(scope="module")
def engine_template(postgres: Postgres) -> Iterator[str]:
    """A database with the engine's tables, to be copied: making them takes a second."""
    with postgres.database() as url:
        engine = make_engine(url)
        engine.launch()
        engine.close()
        yield url


@pytest.fixture
def engine_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state/engine.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(template=request.getfixturevalue("engine_template")) as url:
        yield url


def make_engine(
    url: str, *, observer: RunObserver | None = None, version: int = 1
) -> DurableEngine:
    """An engine that is not launched and knows no flow."""
    return DurableEngine(
        url,
        clock=QuickClock(),
        observer=observer or SilentObserver(),
        application_version=version,
    )


@pytest.fixture
def launch(
    engine_url: str, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Launch]:
    """Launches an engine on the test's database with the flow `f`, closing the one before."""
    monkeypatch.setattr(launching, "QUEUE_POLL_S", 0.02)
    monkeypatch.setattr(launching, "NOTIFICATION_POLL_S", 0.02)
    engines: list[DurableEngine] = []

    def start(flow: FlowFunction, *, version: int = 1) -> DurableEngine:
        for engine in engines:
            assert engine.close(wait_s=PATIENCE_S) == []
        engine = make_engine(engine_url, observer=listener, version=version)
        engines.append(engine)
        engine.register("f", flow)
        engine.launch()
        return engine

    yield start
    for engine in engines:
        engine.close(wait_s=PATIENCE_S)


def start(engine: DurableEngine, run_id: str = "r1", *, key: str = "model", **request: Any) -> None:
    """The run is queued."""
    engine.start(flow="f", run_id=run_id, request=request, queue_key=key)


def fail(engine: DurableEngine) -> None:
    """The run has begun, and stopped because the ERP is away."""
    start(engine)
    with pytest.raises(SystemUnavailableError):
        engine.wait("r1")


def sequence(*bodies: tuple[str, Callable[[], Json]]) -> FlowFunction:
    """A flow of these steps; its summary holds their results by name."""

    def flow(steps: Steps, request: Json) -> Json:
        return {"request": request, **{name: steps.step(name, body) for name, body in bodies}}

    return flow


def test_engine_fulfils_its_port(launch: Launch) -> None:
    """The class is what wiring hands to commands; mypy reads this line."""
    ask: Callable[[Engine], object] = str
    assert ask(launch(sequence()))


def test_run_returns_its_summary(launch: Launch) -> None:
    """Request in, results of the steps out; Decimals stay Decimals."""
    engine = launch(sequence(("a", Body()), ("b", lambda: {"sum": Decimal("1.10")})))
    start(engine, amount=Decimal("2.50"))
    assert engine.wait("r1") == {
        "request": {"amount": Decimal("2.50")},
        "a": {"calls": 1},
        "b": {"sum": Decimal("1.10")},
    }


def test_same_id_twice_is_one_run(launch: Launch) -> None:
    """A repeated start, before or after the end, executes nothing again."""
    body = Body()
    engine = launch(sequence(("a", body)))
    for _ in range(3):
        start(engine)
        engine.wait("r1")
    assert body.calls == 1


def test_failed_step_stops_the_run_and_resume_goes_on_there(launch: Launch) -> None:
    """Done steps are not repeated, the failed one is, and the run keeps its id."""
    first, second, third = Body(), Body(AWAY), Body()
    engine = launch(sequence(("a", first), ("b", second), ("c", third)))
    start(engine)
    with pytest.raises(SystemUnavailableError) as told:
        engine.wait("r1")
    assert told.value is AWAY
    assert third.calls == 0
    engine.resume("r1")
    assert engine.wait("r1")["b"] == {"calls": 2}
    assert (first.calls, second.calls, third.calls) == (1, 2, 1)


def test_failed_run_is_resumed_by_a_later_process(launch: Launch) -> None:
    """The history outlives the engine; the error is read back with code and exit code."""
    flow = sequence(("a", first := Body()), ("b", Body(AWAY)))
    fail(launch(flow))
    engine = launch(flow)
    with pytest.raises(StoredError, match=r"The ERP is away\.") as told:
        engine.wait("r1")
    assert (told.value.stored_code, told.value.stored_exit_code) == ("unavailable", 8)
    engine.resume("r1")
    assert engine.wait("r1")["b"] == {"calls": 2}
    assert first.calls == 1


def test_failures_in_the_history_are_passed_over(launch: Launch) -> None:
    """Attempts that failed before several resumes do not stop the one that succeeds."""
    bodies = Body(AWAY, AWAY), Body(AWAY), Body()
    engine = launch(sequence(*zip("abc", bodies, strict=True)))
    start(engine)
    for _ in range(3):
        with pytest.raises(SystemUnavailableError):
            engine.wait("r1")
        engine.resume("r1")
    assert engine.wait("r1")["c"] == {"calls": 1}
    assert [body.calls for body in bodies] == [3, 2, 1]


def test_attempts_at_a_step_are_bounded(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that never succeeds is not tried for ever."""
    monkeypatch.setattr(steps_module, "ATTEMPTS_MAX", 2)
    body = Body(AWAY, AWAY, AWAY)
    engine = launch(sequence(("a", body)))
    start(engine)
    for _ in range(2):
        with pytest.raises(SystemUnavailableError):
            engine.wait("r1")
        engine.resume("r1")
    with pytest.raises(TooManyAttemptsError, match="'a' of run r1 was tried 2 times"):
        engine.wait("r1")
    assert body.calls == 2


def test_unexpected_exception_becomes_an_internal_error(
    launch: Launch, caplog: pytest.LogCaptureFixture
) -> None:
    """Type and text are kept, the trace is logged once, nothing is pickled."""
    body = Body(ZeroDivisionError("by zero"))
    engine = launch(sequence(("a", body)))
    start(engine)
    with pytest.raises(ConnectorError, match="unexpected ZeroDivisionError: by zero") as told:
        engine.wait("r1")
    assert told.value.render_record()["code"] == "internal"
    assert told.value.arguments["type"] == "ZeroDivisionError"
    assert [record.name for record in caplog.records] == ["ml_connector.engine.errors"]
    engine.resume("r1")
    assert engine.wait("r1")["a"] == {"calls": 2}


def test_error_between_steps_stops_the_run_and_is_raised_again_after_resume(
    launch: Launch,
) -> None:
    """A flow's own refusal is no step; the run can be resumed and decides anew."""
    body = Body()
    verdicts = [BlockedError("Wait.", written="Nothing.", next_step="Approve.")]

    def flow(steps: Steps, request: Json) -> Json:
        found = steps.step("a", body)
        if verdicts:
            raise verdicts.pop()
        return found

    engine = launch(flow)
    start(engine)
    with pytest.raises(BlockedError):
        engine.wait("r1")
    engine.resume("r1")
    assert engine.wait("r1") == {"calls": 1}
    assert body.calls == 1


def test_flow_cannot_swallow_a_failed_step(launch: Launch) -> None:
    """After a failed step no other begins and the run is no success, whatever the flow does."""
    later = Body()

    def flow(steps: Steps, request: Json) -> Json:
        try:
            steps.step("a", Body(AWAY))
        except SystemUnavailableError:
            try:
                steps.step("b", later)
            except SystemUnavailableError:
                return {"all": "well"}
        return {}

    engine = launch(flow)
    start(engine)
    with pytest.raises(SystemUnavailableError):
        engine.wait("r1")
    assert later.calls == 0


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"amount": 1.5}, UnstorableValueError),
        ({"rows": "x" * 100_000}, ValueTooLargeError),
        ({"row": object()}, UnstorableValueError),
    ],
)
def test_result_that_cannot_be_stored_stops_the_run(
    launch: Launch, result: Json, error: type[ConnectorError]
) -> None:
    """Floats, objects and large results are refused; the step is tried again after a resume."""
    results: list[Json] = [{"amount": "1.50"}, result]
    engine = launch(sequence(("a", results.pop)))
    start(engine)
    with pytest.raises(error):
        engine.wait("r1")
    engine.resume("r1")
    assert engine.wait("r1")["a"] == {"amount": "1.50"}


def test_summary_may_hold_more_than_a_step_result_and_is_bounded_too(launch: Launch) -> None:
    """A run over many ledgers and years can end; one past all measure is refused."""

    def flow(steps: Steps, request: Json) -> Json:
        return {"rows": "x" * request["size"]}

    engine = launch(flow)
    engine.start(flow="f", run_id="r1", request={"size": 900_000}, queue_key="m")
    assert len(engine.wait("r1")["rows"]) == 900_000
    engine.start(flow="f", run_id="r2", request={"size": 1_000_000}, queue_key="m")
    with pytest.raises(ValueTooLargeError):
        engine.wait("r2")


def test_result_is_what_a_replay_would_read(launch: Launch) -> None:
    """The first execution sees the stored form, so that a replay cannot differ from it."""
    seen: list[Json] = []
    state = {"mutable": [1]}

    def flow(steps: Steps, request: Json) -> Json:
        seen.append(steps.step("a", lambda: state))
        return {}

    engine = launch(flow)
    start(engine)
    engine.wait("r1")
    assert seen == [state]
    assert seen[0] is not state


def test_float_in_a_request_is_refused_before_anything_is_queued(launch: Launch) -> None:
    """No run exists afterwards."""
    engine = launch(sequence())
    with pytest.raises(UnstorableValueError):
        start(engine, amount=1.5)
    with pytest.raises(UnknownRunError):
        engine.wait("r1")


def test_float_in_a_summary_stops_the_run(launch: Launch) -> None:
    """The summary is stored too."""
    engine = launch(lambda steps, request: {"rate": 0.5})  # noqa: ARG005 - the shape of a flow
    start(engine)
    with pytest.raises(UnstorableValueError):
        engine.wait("r1")


def test_unknown_flows_and_runs_are_refused(launch: Launch) -> None:
    """Names that do not exist are said, not waited for."""
    engine = launch(sequence())
    with pytest.raises(UnknownFlowError, match="'g'; there are f"):
        engine.start(flow="g", run_id="r1", request={}, queue_key="m")
    with pytest.raises(UnknownRunError, match="'nobody'"):
        engine.resume("nobody")


def test_stop_leaves_the_run_resumable(launch: Launch) -> None:
    """The running step ends, the next does not begin, and a later engine goes on there."""
    first, second = Body(), Body()
    engines: list[DurableEngine] = []

    def stopping() -> Json:
        engines[0].request_stop()
        return first()

    flow = sequence(("a", stopping), ("b", second))
    engines.append(launch(flow))
    start(engines[0])
    with pytest.raises(RunInterruptedError, match="Run r1 was stopped between two steps"):
        engines[0].wait("r1")
    assert (first.calls, second.calls) == (1, 0)
    engine = launch(flow)
    with pytest.raises(RunInterruptedError):
        engine.wait("r1")
    engine.resume("r1")
    assert engine.wait("r1")["b"] == {"calls": 1}
    assert first.calls == 1


def test_poll_step_leaves_at_a_stop_and_is_taken_up_again(launch: Launch) -> None:
    """A step that sees the stop flag is interrupted, not failed, and begins anew."""
    polling, done = threading.Event(), threading.Event()

    def flow(steps: Steps, request: Json) -> Json:
        def poll() -> Json:
            polling.set()
            while not done.wait(0.01):
                if steps.is_stop_requested():
                    raise RunInterruptedError("Left the poll.", written="", next_step="")
            return {"task": "done"}

        return steps.step("poll", poll)

    engine = launch(flow)
    start(engine)
    assert polling.wait(PATIENCE_S)
    engine.request_stop()
    with pytest.raises(RunInterruptedError, match=r"Left the poll\."):
        engine.wait("r1")
    done.set()
    engine = launch(flow)
    engine.resume("r1")
    assert engine.wait("r1") == {"task": "done"}


def test_queued_run_does_not_begin_after_a_stop(launch: Launch) -> None:
    """What waits in the queue stays resumable too."""
    body = Body()
    engine = launch(sequence(("a", body)))
    engine.request_stop()
    start(engine)
    with pytest.raises(RunInterruptedError):
        engine.wait("r1")
    assert body.calls == 0


def test_runs_of_one_key_never_overlap_and_others_do(launch: Launch) -> None:
    """While a run holds its key, another key's run goes through and its own key's waits."""
    inside, release = threading.Event(), threading.Event()
    order: list[str] = []

    def flow(steps: Steps, request: Json) -> Json:
        def body() -> Json:
            order.append(steps.run_id)
            if steps.run_id == "holder":
                inside.set()
                assert release.wait(PATIENCE_S)
                order.append("holder ends")
            return {}

        return steps.step("a", body)

    engine = launch(flow)
    start(engine, "holder", key="one")
    assert inside.wait(PATIENCE_S)
    start(engine, "second", key="one")
    start(engine, "other", key="another")
    # The queue is read in order: when the later one is through, the earlier one was passed over.
    engine.wait("other")
    assert order == ["holder", "other"]
    release.set()
    engine.wait("second")
    assert order == ["holder", "other", "holder ends", "second"]


def test_resumed_run_waits_for_its_key(launch: Launch) -> None:
    """A resume goes back into the queue of its key, not past it."""
    inside, release = threading.Event(), threading.Event()
    failing = Body(AWAY)
    order: list[str] = []

    def flow(steps: Steps, request: Json) -> Json:
        def hold() -> Json:
            inside.set()
            assert release.wait(PATIENCE_S)
            order.append("holder ends")
            return {}

        found = steps.step("a", failing if steps.run_id == "failing" else hold)
        order.append(steps.run_id)
        return found

    engine = launch(flow)
    start(engine, "failing", key="one")
    with pytest.raises(SystemUnavailableError):
        engine.wait("failing")
    start(engine, "holder", key="one")
    assert inside.wait(PATIENCE_S)
    engine.resume("failing")
    statuses = {s.workflow_id: s.queue_partition_key for s in DBOS.list_queued_workflows()}
    assert statuses["failing"] == "one"
    release.set()
    engine.wait("failing")
    assert order == ["holder ends", "holder", "failing"]


def test_resume_leaves_queued_running_and_done_runs_alone(launch: Launch) -> None:
    """A second resume, or one too early, executes nothing twice."""
    inside, release = threading.Event(), threading.Event()
    calls: list[str] = []

    def flow(steps: Steps, request: Json) -> Json:
        def body() -> Json:
            calls.append(steps.run_id)
            inside.set()
            assert release.wait(PATIENCE_S)
            return {}

        return steps.step("a", body)

    engine = launch(flow)
    start(engine, "running")
    assert inside.wait(PATIENCE_S)
    start(engine, "queued")
    engine.resume("running")
    engine.resume("queued")
    release.set()
    engine.wait("running")
    engine.wait("queued")
    engine.resume("running")
    assert calls == ["running", "queued"]


def test_changed_step_order_fails_loudly_and_harms_nothing(launch: Launch) -> None:
    """Code that asks for other steps is refused; the right code still finishes the run."""
    body = Body(AWAY)
    right = sequence(("a", Body()), ("b", body))
    fail(launch(right))
    wrong = Body()
    engine = launch(sequence(("b", wrong), ("a", wrong)))
    engine.resume("r1")
    with pytest.raises(StepOrderError, match="steps of run r1 are not those it was begun with"):
        engine.wait("r1")
    assert wrong.calls == 0
    engine = launch(right)
    engine.resume("r1")
    assert engine.wait("r1")["b"] == {"calls": 2}


def test_run_of_another_version_is_not_resumed(launch: Launch) -> None:
    """Waiting for it or resuming it under another version is refused, naming both."""
    flow = sequence(("a", Body(AWAY)))
    fail(launch(flow))
    engine = launch(flow, version=2)
    with pytest.raises(OtherVersionError, match="begun by engine version 1; this is version 2"):
        engine.resume("r1")


def test_observer_hears_attempts_and_ends_but_no_replays(
    launch: Launch, listener: Listener
) -> None:
    """Started, failed, resumed, done: in this order, and the replayed step only once."""
    engine = launch(sequence(("a", Body()), ("b", Body(AWAY))))
    start(engine)
    with pytest.raises(SystemUnavailableError):
        engine.wait("r1")
    engine.resume("r1")
    summary = engine.wait("r1")
    assert listener.heard == [
        ("run", "r1"),
        ("step", "r1", "a"),
        ("step ended", "a", StepState.DONE, {"calls": 1}),
        ("step", "r1", "b"),
        ("step ended", "b", StepState.FAILED, AWAY.render_record()),
        ("run ended", "r1", None, AWAY),
        ("run", "r1"),
        ("step", "r1", "b"),
        ("step ended", "b", StepState.DONE, {"calls": 2}),
        ("run ended", "r1", summary, None),
    ]


@pytest.mark.parametrize("call", ["run_started", "step_started", "step_finished", "run_finished"])
def test_observer_that_fails_stops_the_run_which_can_be_resumed(
    launch: Launch, listener: Listener, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A history that cannot be written is no reason to lose a run."""
    broken = ["the history's disk is full"]
    told = getattr(listener, call)

    def fail_once(*arguments: Any, **named: Any) -> Any:
        if broken:
            raise OSError(broken.pop())
        return told(*arguments, **named)

    monkeypatch.setattr(listener, call, fail_once)
    engine = launch(sequence(("a", Body())))
    start(engine)
    with pytest.raises(ConnectorError, match="the history's disk is full"):
        engine.wait("r1")
    engine.resume("r1")
    assert "a" in engine.wait("r1")


def test_second_engine_of_a_process_is_refused(launch: Launch, tmp_path: Path) -> None:
    """DBOS is one per process, whatever folder the second one names."""
    launch(sequence())
    second = DurableEngine(
        f"sqlite:///{tmp_path}/elsewhere/engine.db",
        clock=QuickClock(),
        observer=Listener(),
        application_version=1,
    )
    with pytest.raises(EngineBusyError, match="another engine of this process"):
        second.launch()


def test_closed_engine_leaves_no_thread_and_no_lock(launch: Launch, tmp_path: Path) -> None:
    """Exit cannot hang on what the engine left behind."""
    before = set(threading.enumerate())
    engine = launch(sequence(("a", Body())))
    start(engine)
    engine.wait("r1")
    assert engine.close() == []
    assert engine.close() == []
    assert (tmp_path / "state" / "engine.lock").read_text() == ""
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_close_names_runs_that_do_not_stop(launch: Launch, tmp_path: Path) -> None:
    """A step that outlasts the patience is named, and the folder stays locked."""
    inside, release = threading.Event(), threading.Event()

    def stubborn() -> Json:
        inside.set()
        assert release.wait(PATIENCE_S)
        return {}

    engine = launch(sequence(("a", stubborn)))
    start(engine)
    assert inside.wait(PATIENCE_S)
    assert engine.close(wait_s=0.01) == ["r1"]
    assert (tmp_path / "state" / "engine.lock").read_text() != ""
    release.set()
    # Its thread puts the run away in the engine of this process, which may be the next test's.
    assert engine._board.wait_idle(PATIENCE_S) == []


def test_dbos_is_quiet(
    launch: Launch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Healthy, failed and resumed runs put no line of DBOS anywhere."""
    caplog.set_level(logging.INFO)
    engine = launch(sequence(("a", Body(AWAY))))
    start(engine)
    with pytest.raises(SystemUnavailableError):
        engine.wait("r1")
    engine.resume("r1")
    engine.wait("r1")
    engine.close()
    assert [record for record in caplog.records if record.name.startswith("dbos")] == []
    assert capfd.readouterr() == ("", "")


def test_money_is_exact_in_the_thread_of_a_run(launch: Launch) -> None:
    """Sums beyond 28 digits are not rounded in a flow."""
    large, small = Decimal("9" * 25), Decimal("0.000000001")
    engine = launch(sequence(("a", lambda: {"sum": large + small})))
    start(engine)
    assert engine.wait("r1")["a"] == {"sum": Decimal("9" * 25 + ".000000001")}
