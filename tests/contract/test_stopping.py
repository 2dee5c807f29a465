"""Stopping a run that is executed: it leaves before its next step, and nothing is undone."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.fakes.clock import FakeClock

from ml_connector.flows.runs import finish_run
from ml_connector.ports import Records, RunState
from ml_connector.wiring.engines import Engines
from ml_connector.wiring.observer import RunHistory
from ml_connector.wiring.serving import requeue_stopped
from ml_connector.wiring.stop_wishes import NotExecutedError, StoppedByPersonError

RUN = "261122-r1"


@pytest.fixture
def house(records: Records) -> Engines:
    """A house with one run of a schedule, which is executed."""
    house: Any = Engines()
    house.records, house.clock, house.actor = records, FakeClock(), "kim"
    house.project = SimpleNamespace()
    records.runs.create_run(run_id=RUN, flow="f", kind="actuals", actor="schedule s", request={})
    return cast("Engines", house)


def test_executed_run_ends_before_its_next_step(house: Engines, records: Records) -> None:
    """The step it is in is finished; who stopped it is in the history and in the audit chain."""
    history = RunHistory(records, None)
    history.run_started(RUN)
    token = history.step_started(RUN, "read")
    assert house.stop_run(RUN[:6]).stop_asked_by == "kim"
    history.step_finished(token, state="done", result={})

    with pytest.raises(StoppedByPersonError, match="kim stopped run 261122-r1 before") as caught:
        history.step_started(RUN, "load")
    finish_run(records, RUN, summary=None, error=caught.value)

    ended = records.runs.load_run(RUN)
    assert (ended.state, ended.stop_asked_by) == (RunState.INTERRUPTED, "")
    assert ended.error is not None
    assert "asked about before anything is sent" in ended.error["written"]
    assert [step.name for step in records.runs.load_steps(RUN)] == ["read"]
    [link] = records.audit.find(RUN)
    assert (link.event, link.actor) == ("run.stop-asked", "kim")


def test_stopped_run_goes_on_when_it_is_resumed_and_by_nobody_else(
    house: Engines, records: Records
) -> None:
    """A server that begins leaves it; the wish was for the execution that has ended."""
    history = RunHistory(records, None)
    history.run_started(RUN)
    house.stop_run(RUN)
    with pytest.raises(StoppedByPersonError) as caught:
        history.step_started(RUN, "load")
    finish_run(records, RUN, summary=None, error=caught.value)

    requeue_stopped(records, ["f"])

    assert records.runs.load_run(RUN).state is RunState.INTERRUPTED
    history.run_started(RUN)
    assert history.step_started(RUN, "load")


def test_wish_outlives_the_process_that_had_the_run(house: Engines, records: Records) -> None:
    """Whoever takes the run over from a dead process stops it all the same."""
    history = RunHistory(records, None)
    history.run_started(RUN)
    house.stop_run(RUN)
    history.run_taken_over(RUN)
    history.run_started(RUN)
    with pytest.raises(StoppedByPersonError):
        history.step_started(RUN, "load")


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.INTERRUPTED, RunState.SUCCEEDED])
def test_run_that_is_not_executed_is_not_stopped(
    house: Engines, records: Records, state: RunState
) -> None:
    """It is said what to do instead, and nothing is kept of the wish."""
    records.runs.save_run(RUN, state)
    way = "runs list" if state is RunState.SUCCEEDED else f"runs cancel {RUN}"
    with pytest.raises(NotExecutedError, match=way):
        house.stop_run(RUN)
    assert records.runs.load_run(RUN).stop_asked_by == ""
    assert records.audit.find(RUN) == []
