"""A server on SQLite and commands beside it: runs are recorded here, taken there, followed here."""

import json
import os
import platform
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from ml_connector.engine.errors import LeftToOthersError, StoppedRunError
from ml_connector.engine.process_lock import LOCK_FILE, ProcessLock, find_server
from ml_connector.errors import ConnectorError, StoredError, UsageError
from ml_connector.flows.scheduling import FlowPlace
from ml_connector.ports import Clock, Json, Records, RunState
from ml_connector.wiring import serving
from ml_connector.wiring.serving import (
    ServedEngine,
    ServerGoneError,
    TakeRecorded,
    requeue_stopped,
    verify_not_running,
)
from ml_connector.wiring.workers import ExecutedRunError

STOPPED: dict[str, Any] = {
    "code": "interrupted", "refused": "Stopped.", "written": "", "next_step": "", "arguments": {},
}  # fmt: skip


class Engine:
    """An engine that knows some runs, and keeps what it was asked."""

    def __init__(self, **known: bool) -> None:
        self.known = known
        self.asked: list[str] = []

    def is_under_way(self, run_id: str) -> bool | None:
        """None: it was never queued."""
        return self.known.get(run_id)

    def queue(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """It is queued."""
        self.asked.append(f"queue {run_id} of {flow} by {queue_key}")

    def resume(self, run_id: str) -> None:
        """It goes on."""
        self.asked.append(f"resume {run_id}")


def find_place(flow: str) -> FlowPlace:
    """Flows there are have a model."""
    if flow == "gone":
        raise UsageError("There is no flow gone.", written="", next_step="")
    return FlowPlace(kind="F2", queue_key="m")


def record_run(records: Records, flow: str, run_id: str, *, actor: str = "kim") -> None:
    """A command has recorded a run."""
    records.runs.create_run(run_id=run_id, flow=flow, kind="F2", actor=actor, request={})


def test_server_takes_recorded_runs_its_engine_does_not_know(records: Records) -> None:
    """Once each: unknown ones are queued, stopped ones go on, those under way are left alone."""
    told: list[str] = []
    for flow in ("new", "again", "under-way", "gone", "done"):
        record_run(records, flow, flow)
    records.runs.save_run("done", RunState.SUCCEEDED)
    engine = Engine(**{"again": False, "under-way": True})
    TakeRecorded(engine, records, find_place, told.append)()  # type: ignore[arg-type]  # a fake
    assert sorted(engine.asked) == ["queue new of new by m", "resume again"]
    gone = records.runs.load_run("gone")
    assert (gone.state, told) == (RunState.FAILED, [])
    assert gone.error is not None
    assert gone.error["refused"] == "There is no flow gone."


def test_run_resumed_behind_many_later_runs_is_taken(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flow that stopped on Friday is resumed after a weekend of other flows' runs."""
    monkeypatch.setattr(serving, "RECORDED_LOOKED_AT", 2)
    record_run(records, "actuals", "old")
    for number in range(3):
        record_run(records, f"other-{number}", f"late-{number}")
        records.runs.save_run(f"late-{number}", RunState.SUCCEEDED)
    engine = Engine(old=False)
    TakeRecorded(engine, records, find_place, print, flows=("actuals", "other-0"))()  # type: ignore[arg-type]  # a fake
    assert engine.asked == ["resume old"]


def test_run_that_ends_while_the_server_looks_is_not_begun_again(records: Records) -> None:
    """Its engine has stopped it, and the records say failed by then."""
    record_run(records, "actuals", "r1")

    class Late(Engine):
        def is_under_way(self, run_id: str) -> bool | None:
            records.runs.save_run(run_id, RunState.FAILED, error=STOPPED)
            return False

    engine = Late()
    TakeRecorded(engine, records, find_place, print)()  # type: ignore[arg-type]  # a fake
    assert engine.asked == []


def test_run_that_could_not_store_its_end_may_be_resumed(records: Records) -> None:
    """On a full disk neither records nor engine took it; two looks later it waits for a person."""
    for run_id in ("r1", "r2"):
        record_run(records, f"flow of {run_id}", run_id)
        records.runs.save_run(run_id, RunState.RUNNING)
    take = TakeRecorded(Engine(r1=False, r2=True), records, find_place, print)  # type: ignore[arg-type]  # a fake
    take()
    assert records.runs.load_run("r1").state is RunState.RUNNING
    take()
    ended = records.runs.load_run("r1")
    assert (ended.state, (ended.error or {})["code"]) == (RunState.INTERRUPTED, "interrupted")
    assert records.runs.load_run("r2").state is RunState.RUNNING


def test_server_goes_on_with_scheduled_runs_only(records: Records) -> None:
    """Whoever started a run by hand resumes it; of a schedule nobody would."""
    for flow, actor in (("a", "schedule a"), ("b", "kim"), ("c", "schedule c")):
        record_run(records, flow, f"run-{flow}", actor=actor)
    for run_id in ("run-a", "run-b"):
        records.runs.save_run(run_id, RunState.INTERRUPTED, error=STOPPED)
    other = {**STOPPED, "code": "unavailable"}
    records.runs.save_run("run-c", RunState.INTERRUPTED, error=other)
    requeue_stopped(records, ("a", "b", "c", "never-ran"))
    states = {run.run_id: run.state for run in records.runs.load_runs()}
    assert states == {
        "run-a": RunState.QUEUED, "run-b": RunState.INTERRUPTED, "run-c": RunState.INTERRUPTED,
    }  # fmt: skip
    assert [one.event for one in records.audit.find("run-a")] == ["run.resumed"]


@pytest.fixture
def served(records: Records, monkeypatch: pytest.MonkeyPatch) -> ServedEngine:
    """A command's engine beside a server that lives."""
    monkeypatch.setattr(serving, "find_server", lambda _project: "process 1")
    monkeypatch.setattr(serving, "FOLLOW_S", 0.0)
    record_run(records, "actuals", "r1")
    stub: Any = None
    return ServedEngine(stub, records, Event())


def test_command_ends_as_the_run_it_follows(records: Records, served: ServedEngine) -> None:
    """With its summary, or with its error and that one's exit code."""
    served.start(flow="actuals", run_id="r1", request={}, queue_key="m")
    records.runs.save_run("r1", RunState.PARTLY, summary={"cells": 3})
    assert served.wait("r1") == {"cells": 3}
    record = {**STOPPED, "code": "scope.no-such-period", "exit_code": 2}
    records.runs.save_run("r1", RunState.FAILED, error=record)
    with pytest.raises(StoredError) as caught:
        served.wait("r1")
    assert caught.value.stored_code == "scope.no-such-period"
    assert caught.value.stored_exit_code == 2, "though nothing of the flow is loaded here"
    records.runs.save_run("r1", RunState.CANCELLED)
    with pytest.raises(StoppedRunError):
        served.wait("r1")


def test_command_that_is_stopped_leaves_its_run_to_the_server(
    records: Records, served: ServedEngine
) -> None:
    """And says so; a resume only puts the run back where the server finds it."""
    served.request_stop()
    with pytest.raises(LeftToOthersError, match="not followed any more"):
        served.wait("r1")
    records.runs.save_run("r1", RunState.INTERRUPTED)
    served.resume("r1")
    assert records.runs.load_run("r1").state is RunState.QUEUED
    assert served.close() == []


def test_command_says_that_its_server_is_gone(
    records: Records, served: ServedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for nobody."""
    monkeypatch.setattr(serving, "find_server", lambda _project: None)
    with pytest.raises(ServerGoneError, match="has ended") as caught:
        served.wait("r1")
    assert caught.value.exit_code == 6


def test_running_run_of_a_server_is_not_cancelled(records: Records) -> None:
    """One that waits or has stopped may be."""
    record_run(records, "actuals", "r1")
    verify_not_running(records, "r1")
    records.runs.save_run("r1", RunState.RUNNING)
    with pytest.raises(ExecutedRunError):
        verify_not_running(records, "r1")


def test_lock_tells_of_a_living_server_only(tmp_path: Path, records_clock: Clock) -> None:
    """Not of a command, not of one that ended or was killed, not of another machine."""
    assert find_server(tmp_path) is None
    lock = ProcessLock(tmp_path)
    lock.take(now=records_clock.now())
    assert find_server(tmp_path) is None
    lock.release()
    lock.take(now=records_clock.now(), serves=True)
    assert f"process {os.getpid()} on" in (find_server(tmp_path) or "")
    holder = json.loads((tmp_path / LOCK_FILE).read_text())
    lock.release()
    assert find_server(tmp_path) is None
    for change in ({"pid": 2**22 + 1}, {"host": f"not-{platform.node()}"}, {"pid": "x"}):
        (tmp_path / LOCK_FILE).write_text(json.dumps({**holder, **change}))
        assert find_server(tmp_path) is None


def test_failing_look_is_told_once(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away for an hour is one line, not thousands."""
    told: list[str] = []
    take = TakeRecorded(Engine(), records, find_place, told.append)  # type: ignore[arg-type]  # a fake

    def fail(**_: object) -> None:
        raise ConnectorError("It is away.", written="", next_step="")

    with monkeypatch.context() as patch:
        patch.setattr(type(records.runs), "load_runs", lambda _self, **_: fail())
        take()
        take()
        assert told == ["Recorded runs cannot be taken: It is away."]
        patch.setattr(type(records.runs), "load_runs", lambda _self, **_: 1 / 0)
        take()
        assert told[1:] == ["Recorded runs cannot be taken: ZeroDivisionError: division by zero"]
    take()
    assert len(told) == 2
