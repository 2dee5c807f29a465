"""Who asks for a request: the run a thread executes, a reader of it, or a person."""

from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from tests.fakes.clock import START, FakeClock
from tests.fakes.standing import lay_state

from ml_connector.errors import RunInterruptedError
from ml_connector.settings import ProjectSettings
from ml_connector.wiring import House
from ml_connector.wiring.callers import CallerBudget, Callers, answering_person
from ml_connector.wiring.stopping import StoppableBudget

Value = TypeVar("Value")


class Ring:
    """A budget that notes who was granted, and may be stopped during the wait."""

    def __init__(self, stop: Event | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.holds: list[tuple[str, float]] = []
        self._stop = stop

    def acquire(self, key: str, *, run_id: str) -> None:
        """A grant; a stop comes meanwhile."""
        self.asked.append((key, run_id))
        if self._stop is not None:
            self._stop.set()

    def hold(self, key: str, seconds: float) -> None:
        """Noted."""
        self.holds.append((key, seconds))


def in_thread(call: Callable[[], Value]) -> Value:
    """The call's answer in a thread that knows nothing of this one."""
    answers: list[Value] = []
    thread = Thread(target=lambda: answers.append(call()))
    thread.start()
    thread.join()
    return answers[0]


def test_request_is_a_persons_unless_the_process_executes_a_run() -> None:
    """Checks and discovery ask for themselves, from whatever thread; so do they after a run."""
    callers = Callers()
    assert callers.find_run() == in_thread(callers.find_run) == ""
    with callers.executing("r1"):
        assert callers.find_run() == "r1"
    assert callers.find_run() == in_thread(callers.find_run) == ""


def test_reader_of_a_run_never_counts_as_a_person() -> None:
    """A thread that knows nothing is the only run's, or one of several runs' by turns."""
    callers = Callers()
    with callers.executing("r1"):
        assert in_thread(callers.find_run) == "r1"
        with callers.executing("r2"):
            asked = [in_thread(callers.find_run) for _ in range(6)]
            assert sorted(asked) == ["r1"] * 3 + ["r2"] * 3
            assert in_thread(_carried(callers)) == "r2"
        assert callers.find_run() == "r1"


def _carried(callers: Callers) -> Callable[[], str]:
    context = copy_context()
    return lambda: context.run(callers.find_run)


def test_page_beside_runs_asks_for_a_person() -> None:
    """Only in its own block and thread; the runs of the process stay runs."""
    callers = Callers()

    def answer() -> tuple[str, str]:
        with answering_person():
            inside = callers.find_run()
        return inside, callers.find_run()

    with callers.executing("r1"):
        assert in_thread(answer) == ("", "r1")
        assert callers.find_run() == "r1"


def test_run_that_fails_is_executed_no_longer() -> None:
    """What a person asks afterwards is a person's."""
    callers = Callers()
    with pytest.raises(LookupError), callers.executing("r1"):
        raise LookupError
    assert in_thread(callers.find_run) == ""


def test_budget_is_told_who_asks() -> None:
    """Each request under the run's name; a hold is everybody's."""
    callers, ring = Callers(), Ring()
    budget = CallerBudget(ring, callers)
    budget.acquire("tenant")
    with callers.executing("r1"):
        budget.acquire("tenant")
    budget.hold("tenant", 5.0)
    assert ring.asked == [("tenant", ""), ("tenant", "r1")]
    assert ring.holds == [("tenant", 5.0)]


def test_grant_is_not_used_when_a_stop_came_during_the_wait() -> None:
    """A reader that waited for another one of its run finds out before it sends."""
    stop = Event()
    ring = Ring(stop)
    budget = StoppableBudget(CallerBudget(ring, Callers()), stop)
    with pytest.raises(RunInterruptedError):
        budget.acquire("tenant")
    assert len(ring.asked) == 1
    with pytest.raises(RunInterruptedError):
        budget.acquire("")
    assert len(ring.asked) == 1


def allow(requests: int | None) -> Any:
    """A connection of the one tenant with that allowance."""
    return SimpleNamespace(requests_per_minute=requests, budget_key=lambda: "tenant")


def test_house_keeps_runs_off_the_reserve_of_the_least_allowance_of_a_tenant(
    fresh_state: Path,
    tmp_path: Path,
) -> None:
    """Of two a minute a run has one and a person the other, whatever else a connection says."""
    lay_state(fresh_state, tmp_path)
    project: Any = SimpleNamespace(
        state_dir=tmp_path / ".state",
        settings=ProjectSettings(),
        connections={"a": allow(30), "b": allow(2), "c": allow(None), "d": allow(60)},
    )
    clock = FakeClock()
    house = House(project, clock=clock)
    try:
        with house._callers.executing("r1"):
            house.budget.acquire("tenant")
            house.budget.acquire("tenant")
            waited_s = (clock.now() - START).total_seconds()
        house.budget.acquire("tenant")
    finally:
        house.close()
    assert waited_s > 60
    assert (clock.now() - START).total_seconds() == waited_s


def test_house_knows_the_run_it_executes() -> None:
    """From the bench on, what a flow sends is its run's."""
    callers, known = Callers(), list[str]()

    def open_bench(_flow: Any) -> Any:
        known.append(callers.find_run())
        raise LookupError

    house: Any = SimpleNamespace(flow=str, actuals_bench=open_bench, _callers=callers)
    with pytest.raises(LookupError):
        House._run_flow(house, "actuals", cast("Any", SimpleNamespace(run_id="r1")), {})
    assert known == ["r1"]
