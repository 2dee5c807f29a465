"""Steps of a run: stored when they succeed, tried again when they did not.

DBOS would store an exception as the outcome of a step and raise it again at every replay. So the
body's exception never reaches it: what is stored is a marker, `{"done": result}`, or `{"failed":
record}`, or `{"interrupted": record}`. A failure marker made now stops the run; one found in the
history belongs to an attempt before a resume, is passed over, and the next attempt follows it.

A database of ours that is away is no failure: the attempt waits for it and calls again.
"""

import logging
from collections.abc import Callable
from threading import Event

from dbos import DBOS
from dbos import error as dbos_errors

from ml_connector.engine.errors import (
    StepOrderError,
    StoppedRunError,
    TooManyAttemptsError,
    ValueTooLargeError,
    as_connector_error,
    render_error,
)
from ml_connector.engine.observer import RunObserver, StepState
from ml_connector.engine.outage import Ride, ride_nothing
from ml_connector.engine.tagged_json import parse_tagged, render_tagged
from ml_connector.errors import ConnectorError, RunInterruptedError
from ml_connector.ports import Json

logger = logging.getLogger(__name__)
ATTEMPTS_MAX = 100
"""Attempts at one step over all resumes of a run."""
VALUE_BYTES_MAX = 100_000
"""Bytes of a step's result or a run's request; larger things belong into files."""
SUMMARY_BYTES_MAX = 1_000_000
"""Bytes of a run's summary: a tie-out row per ledger and period, some thousands of them."""


def copy_storable(value: Json, *, what: str, bytes_max: int = VALUE_BYTES_MAX) -> Json:
    """The value as it will be read back from the history, so that first run and replay agree.

    Raises:
        UnstorableValueError: It holds something that is no JSON of ours, such as a float.
        ValueTooLargeError: It is too large.
    """
    text = render_tagged(value)
    size = len(text.encode())
    if size > bytes_max:
        raise ValueTooLargeError(what, size, bytes_max)
    copied = parse_tagged(text)
    assert isinstance(copied, dict), f"the {what} is no object"
    return copied


class RunSteps:
    """The steps of one execution of one run; used by the run's own thread only."""

    def __init__(
        self, run_id: str, *, stop: Event, observer: RunObserver, ride: Ride = ride_nothing
    ) -> None:
        self.run_id = run_id
        self.failure: ConnectorError | None = None
        """What stopped the run; kept so that a flow cannot swallow it and go on."""
        self._stop = stop
        self._observer = observer
        self._ride = ride

    def step(self, name: str, body: Callable[[], Json]) -> Json:
        """The body's result, computed at most once per success and stored.

        Raises:
            ConnectorError: The body's own error; the run stops with it and can be resumed.
            RunInterruptedError: A stop was asked for; the step was not begun.
            StepOrderError: The history holds another step here.
            TooManyAttemptsError: The step failed too often.
        """
        for _ in range(ATTEMPTS_MAX):
            self._verify_may_begin()
            attempt = _Attempt(self.run_id, name, body, self._observer, ride=self._ride)
            marker = self._run_durably(name, attempt.run)
            if StepState.DONE in marker:
                result: Json = marker[StepState.DONE]
                return result
            if attempt.error is not None:
                raise self._keep(attempt.error)
        raise self._keep(TooManyAttemptsError(self.run_id, name, ATTEMPTS_MAX))

    def is_changed(self, change: str) -> bool:
        """Whether this run takes the new way of that change; a replay answers as the first time.

        Raises:
            RunInterruptedError: A stop was asked for.
        """
        self._verify_may_begin()
        return DBOS.patch(change)

    def is_stop_requested(self) -> bool:
        """Whether a long step shall leave within five seconds (poll loops look here)."""
        return self._stop.is_set()

    def _verify_may_begin(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self._stop.is_set():
            raise self._keep(StoppedRunError(self.run_id))

    def _run_durably(self, name: str, run: Callable[[], Json]) -> Json:
        try:
            return DBOS.run_step({"name": name}, run)
        except dbos_errors.DBOSUnexpectedStepError as error:
            raise self._keep(StepOrderError(self.run_id, error.message)) from error

    def _keep(self, error: ConnectorError) -> ConnectorError:
        self.failure = error
        return error


class _Attempt:
    """One execution of a step's body; never raises an exception of the body's."""

    def __init__(
        self,
        run_id: str,
        name: str,
        body: Callable[[], Json],
        observer: RunObserver,
        *,
        ride: Ride,
    ) -> None:
        self.error: ConnectorError | None = None
        self._run_id = run_id
        self._name = name
        self._body = body
        self._observer = observer
        self._ride = ride

    def run(self) -> Json:
        """The marker to store; `error` is set when it is not one of success."""
        try:
            token = self._ride(lambda: self._observer.step_started(self._run_id, self._name))
            return self._execute(token)
        except Exception as error:  # noqa: BLE001 - the observer failed; DBOS must not store that
            return self._fail(error)

    def _execute(self, token: int) -> Json:
        try:
            result = copy_storable(self._ride(self._body), what=f"result of step {self._name!r}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is stored as a marker
            marker = self._fail(error)
            [(state, record)] = marker.items()
            self._tell_finished(token, StepState(state), record)
            return marker
        self._tell_finished(token, StepState.DONE, result)
        return {StepState.DONE: result}

    def _tell_finished(self, token: int, state: StepState, result: Json) -> None:
        logger.info("run.step_finished run_id=%s step=%s state=%s", self._run_id, self._name, state)
        self._ride(lambda: self._observer.step_finished(token, state=state, result=result))

    def _fail(self, error: Exception) -> Json:
        self.error = as_connector_error(error, self._run_id)
        is_stop = isinstance(error, RunInterruptedError)
        state = StepState.INTERRUPTED if is_stop else StepState.FAILED
        return {state: render_error(self.error)}


def find_last_error(markers: list[object]) -> Json | None:
    """The record of the error a history ends with; None when it ends with a success."""
    last = markers[-1] if markers else None
    if not isinstance(last, dict) or StepState.DONE in last:
        return None
    record: Json | None = last.get(StepState.FAILED) or last.get(StepState.INTERRUPTED)
    return record
