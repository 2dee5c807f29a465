"""A server on SQLite and the commands beside it: they record runs, it executes them."""

from collections.abc import Callable, Collection, Iterable
from threading import Event
from typing import TYPE_CHECKING

from ml_connector.errors import (
    BusyError,
    ConnectorError,
    DatabaseAwayError,
    RunInterruptedError,
    StoredError,
)
from ml_connector.ports import RUN_RESUMED, Json, Records, RunRow, RunState
from ml_connector.settings import Project
from ml_connector.wiring.telling import Tell, TellOnce, tell_error
from ml_connector.wiring.workers import ExecutedRunError

if TYPE_CHECKING:
    from ml_connector.engine.durable import DurableEngine
    from ml_connector.flows.scheduling import FlowPlace

FOLLOW_S = 0.5
"""From one look of a command at its run to the next."""
RECORDED_LOOKED_AT = 50
"""Newest runs a server looks through, for those of flows the folder does not hold any more."""
SCHEDULED = "schedule "
"""How actors begin that cannot come back and resume their run."""
SERVER = "server"
"""Who goes on with runs that a server before left."""


class ServerGoneError(BusyError):
    """The server that was to execute a run has ended."""

    code = "serving.server-gone"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The server that had run {run_id} has ended.",
            written="The run stays as it was recorded: queued, or stopped after a step.",
            next_step="Start `ml-connector serve` again, which takes a queued run; one that was"
            f" stopped goes on by `ml-connector runs resume {run_id}`.",
            run_id=run_id,
        )


def find_server(project: Project) -> str | None:
    """The server that has the project's state folder and takes recorded runs, if one lives."""
    from ml_connector.engine.process_lock import find_server as find  # noqa: PLC0415 - start-up.

    return find(project.state_dir)


class ServedEngine:
    """A `ports.Engine` for commands beside a server: it takes what they have recorded."""

    def __init__(self, project: Project, records: Records, stop: Event) -> None:
        self._project = project
        self._records = records
        self._stop = stop
        self._is_stopping = False

    def start(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """Nothing is left to do: the run is recorded as queued, and there the server finds it."""

    def wait(self, run_id: str) -> Json:
        """The run's summary once it ended.

        Raises:
            ConnectorError: The error the run stopped with.
            LeftToOthersError: A stop was asked for; the server goes on with the run.
            ServerGoneError: Nobody executes it any more.
        """
        from ml_connector.engine.errors import (  # noqa: PLC0415 - start-up time.
            LeftToOthersError,
        )

        while True:
            server = find_server(self._project)
            run = self._records.runs.load_run(run_id)
            if run.state not in (RunState.QUEUED, RunState.RUNNING):
                return _end(run)
            if self._is_stopping:
                raise LeftToOthersError(run_id)
            if server is None:
                raise ServerGoneError(run_id)
            self._stop.wait(FOLLOW_S)

    def resume(self, run_id: str) -> None:
        """The run is recorded as queued again."""
        self._records.runs.save_run(run_id, RunState.QUEUED)

    def request_stop(self) -> None:
        """The run is not followed any more; it goes on."""
        self._is_stopping = True

    def verify_heard(self) -> None:
        """Return: this process executes nothing that others could have."""

    def close(self) -> list[str]:
        """Nothing runs in this process."""
        return []


class TakeRecorded:
    """Runs that commands recorded are queued in the server's engine, or go on there."""

    def __init__(
        self,
        engine: "DurableEngine",
        records: Records,
        find_place: Callable[[str], "FlowPlace"],
        tell: Tell,
        *,
        flows: Collection[str] = (),
    ) -> None:
        self._engine = engine
        self._records = records
        self._find_place = find_place
        self._once = TellOnce(tell)
        self._flows = flows
        self._unended: set[str] = set()

    def __call__(self) -> None:
        """What was recorded since the last look is taken; what has ended unseen may be resumed."""
        try:
            found = self._load_recent()
            for run in found:
                if run.state is RunState.QUEUED:
                    self._take(run)
            self._end_unended(found)
        except Exception as error:  # noqa: BLE001 - runs that execute here must not end by it.
            self._once.tell("", f"Recorded runs cannot be taken: {tell_error(error)}")
            return
        self._once.forget("")

    def _load_recent(self) -> list[RunRow]:
        """The oldest first; one that was resumed may be older than any number of other runs."""
        runs = self._records.runs
        found = {run.run_id: run for run in reversed(runs.load_runs(limit=RECORDED_LOOKED_AT))}
        for run in map(runs.find_unfinished, self._flows):
            if run is not None and run.run_id not in found:
                found = {run.run_id: run, **found}
        return list(found.values())

    def _end_unended(self, found: list[RunRow]) -> None:
        """A run that has stopped, and on a full disk could not say so, is one to be resumed.

        Seen twice: somebody may be handing it over at this very moment.
        """
        from ml_connector.flows.runs import finish_run  # noqa: PLC0415 - start-up time.

        running = [run.run_id for run in found if run.state is RunState.RUNNING]
        over = {run_id for run_id in running if self._engine.is_under_way(run_id) is False}
        for run_id in over & self._unended:
            with self._records.transactions.begin(f"the end of run {run_id}"):
                if is_running(self._records, run_id):
                    finish_run(self._records, run_id, summary=None, error=_unended(run_id))
        self._unended = over

    def _take(self, run: RunRow) -> None:
        is_under_way = self._engine.is_under_way(run.run_id)
        # Read after the engine was asked: a run that failed meanwhile is not queued any more.
        if is_under_way or self._records.runs.load_run(run.run_id).state is not RunState.QUEUED:
            return
        try:
            if is_under_way is None:
                self._engine.queue(
                    flow=run.flow, run_id=run.run_id, request=run.request,
                    queue_key=self._find_place(run.flow).queue_key,
                )  # fmt: skip
            else:
                self._engine.resume(run.run_id)
        except DatabaseAwayError:
            raise
        except ConnectorError as error:
            self._records.runs.save_run(run.run_id, RunState.FAILED, error=error.render_record())


def requeue_stopped(records: Records, flows: Iterable[str]) -> None:
    """Scheduled runs that stopped with the server before are queued: nobody else resumes them."""
    for flow in flows:
        run = records.runs.find_unfinished(flow)
        if run is None or run.state is not RunState.INTERRUPTED or not run.error:
            continue
        if run.actor.startswith(SCHEDULED) and run.error["code"] == RunInterruptedError.code:
            with records.transactions.begin(f"the resumption of run {run.run_id}"):
                records.audit.record(RUN_RESUMED, subject=flow, actor=SERVER, run_id=run.run_id)
                records.runs.save_run(run.run_id, RunState.QUEUED)


def is_running(records: Records, run_id: str) -> bool:
    """Whether the server executes the run, as far as the records tell."""
    return records.runs.load_run(run_id).state is RunState.RUNNING


def verify_not_running(records: Records, run_id: str) -> None:
    """The server does not execute the run, as far as the records tell.

    Raises:
        ExecutedRunError: It does.
    """
    if is_running(records, run_id):
        raise ExecutedRunError(run_id)


def _unended(run_id: str) -> RunInterruptedError:
    return RunInterruptedError(
        f"The run {run_id} stopped, and why could not be stored then.",
        written="Its finished steps stay done; the one it was in may have been done too.",
        next_step="Look at the disk and into the server's log, then go on: `ml-connector runs"
        f" resume {run_id}`.",
        run_id=run_id,
    )


def _end(run: RunRow) -> Json:
    """The summary of a run that ended.

    Raises:
        ConnectorError: What it stopped with.
    """
    from ml_connector.engine.errors import StoppedRunError  # noqa: PLC0415 - start-up time.

    if run.error:
        raise StoredError(run.error)
    if run.state is RunState.CANCELLED:
        raise StoppedRunError(run.run_id)
    return run.summary
