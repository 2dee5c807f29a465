"""The engine of a simulated process: durable steps in memory, told to the real run history."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.life import Life

from ml_connector.domain.money import exact_money
from ml_connector.engine.errors import (
    AbandonedRunError,
    StepOrderError,
    UnknownRunError,
    as_connector_error,
    render_error,
)
from ml_connector.engine.observer import RunObserver, StepState
from ml_connector.engine.steps import SUMMARY_BYTES_MAX, copy_storable
from ml_connector.errors import ConnectorError
from ml_connector.ports import Json, Steps

STEP = "step"
RunFlow = Callable[[str, Steps, Json], Json]


@dataclass(slots=True, kw_only=True)
class RunMemory:
    """What outlives the process of one run."""

    flow: str
    request: Json
    state: str = "queued"
    history: list[tuple[str, Json]] = field(default_factory=list)
    summary: Json | None = None


@dataclass(slots=True, kw_only=True)
class SimSteps:
    """A `ports.Steps`; results survive the process, bodies that failed run again."""

    run_id: str
    history: list[tuple[str, Json]]
    observer: RunObserver
    life: Life
    at: int = 0

    def step(self, name: str, body: Callable[[], Json]) -> Json:
        """The stored result, or the body's, stored."""
        self.life.verify()
        if self.at < len(self.history):
            known, result = self.history[self.at]
            if known != name:
                raise StepOrderError(self.run_id, f"step {self.at} was {known!r}, is {name!r}.")
            self.at += 1
            return copy_storable(result, what=name)
        token = self.observer.step_started(self.run_id, name)
        self.life.pass_place(STEP, f"step begun: {name}")
        result = self._execute(token, body, name)
        self.life.verify_heard()
        self.observer.step_finished(token, state=StepState.DONE, result=result)
        self.life.pass_place(STEP, f"step told, not stored: {name}")
        self.history.append((name, result))
        self.at += 1
        self.life.pass_place(STEP, f"step stored: {name}")
        return copy_storable(result, what=name)

    def is_changed(self, change: str) -> bool:
        """The new way, unless the history goes on otherwise."""
        if self.at == len(self.history):
            self.history.append((change, {}))
        is_new = self.history[self.at][0] == change
        self.at += is_new
        return is_new

    def is_stop_requested(self) -> bool:
        """Nobody asks."""
        return False

    def _execute(self, token: int, body: Callable[[], Json], name: str) -> Json:
        try:
            result = copy_storable(body(), what=name)
        except Exception as error:
            found = as_connector_error(error, self.run_id)
            self.life.verify_heard()
            self.observer.step_finished(token, state=StepState.FAILED, result=render_error(found))
            raise found from error
        self.life.pass_place(STEP, f"step done: {name}")
        return result


class SimEngine:
    """A `ports.Engine` that executes in the caller's thread."""

    def __init__(
        self,
        memory: dict[str, RunMemory],
        *,
        observer: RunObserver,
        run_flow: RunFlow,
        life: Life,
    ) -> None:
        self._memory = memory
        self._observer = observer
        self._run_flow = run_flow
        self._life = life
        for run_id, run in memory.items():
            if run.state == "running":
                run.state = "stopped"
                observer.run_finished(run_id, summary=None, error=AbandonedRunError(run_id))

    def start(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The run is queued under its id; the same id twice is one run."""
        assert queue_key
        with self._life.at_call("engine.start"):
            stored = copy_storable(request, what="request")
            self._memory.setdefault(run_id, RunMemory(flow=flow, request=stored))

    def wait(self, run_id: str) -> Json:
        """The run's summary once it ended."""
        run = self._find(run_id)
        if run.summary is None:
            run.state = "running"
            summary = self._execute(run_id, run)
            self._life.verify_heard()
            run.summary, run.state = summary, "done"
        return run.summary

    def resume(self, run_id: str) -> None:
        """An interrupted, failed or abandoned run goes on at its first missing step."""
        with self._life.at_call("engine.resume"):
            self._find(run_id).state = "queued"

    def request_stop(self) -> None:
        """Nobody asks."""

    def verify_heard(self) -> None:
        """A dead process sends nothing, and neither does one whose runs others have."""
        self._life.verify_heard()

    def close(self) -> list[str]:
        """Nothing is left."""
        return []

    def _find(self, run_id: str) -> RunMemory:
        if run_id not in self._memory:
            raise UnknownRunError(run_id)
        return self._memory[run_id]

    def _execute(self, run_id: str, run: RunMemory) -> Json:
        steps = SimSteps(
            run_id=run_id, history=run.history, observer=self._observer, life=self._life
        )
        try:
            with exact_money():
                self._observer.run_started(run_id)
                summary = self._conclude(run, steps)
                self._life.pass_place(STEP, "summary made")
                self._observer.run_finished(run_id, summary=summary, error=None)
        except Exception as error:
            found = as_connector_error(error, run_id)
            self._life.verify_heard()
            self._tell_stopped(run_id, run, found)
            raise found from error
        return summary

    def _conclude(self, run: RunMemory, steps: Any) -> Json:
        found = self._run_flow(run.flow, steps, dict(run.request))
        return copy_storable(found, what="summary", bytes_max=SUMMARY_BYTES_MAX)

    def _tell_stopped(self, run_id: str, run: RunMemory, error: ConnectorError) -> None:
        run.state = "stopped"
        try:
            self._observer.run_finished(run_id, summary=None, error=error)
        except Exception as lost:  # noqa: BLE001 - as the engine does: told to the log only.
            as_connector_error(lost, run_id)
