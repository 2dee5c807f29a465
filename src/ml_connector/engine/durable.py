"""The engine: durable runs on DBOS Transact.

DBOS is one per process, so there is one launched engine per process too; `close()` tears it down
wholly, and another may be launched after it. With SQLite there is one engine per state folder; with
PostgreSQL there are as many as wanted, and they go on with each other's runs.
"""

import contextvars
import logging
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Collection
from functools import partial

import sqlalchemy as sa
from dbos import DBOS, SetEnqueueOptions, SetWorkflowID, WorkflowStatus, WorkflowStatusString
from dbos import error as dbos_errors

from ml_connector.domain.money import exact_money
from ml_connector.engine.board import RunBoard
from ml_connector.engine.crew import Crew, Role
from ml_connector.engine.crew_table import Member
from ml_connector.engine.database import bound_connections, find_sqlite_file
from ml_connector.engine.errors import (
    AbandonedRunError,
    EngineBusyError,
    OtherVersionError,
    StoppedRunError,
    UnknownFlowError,
    UnknownRunError,
    UnreadableRunError,
    as_connector_error,
)
from ml_connector.engine.handover import HeldRun
from ml_connector.engine.launching import Identity, prepare_dbos
from ml_connector.engine.observer import RunObserver, logged
from ml_connector.engine.outage import ENGINE, Outage
from ml_connector.engine.patience import LeaveRun, bound_waits, keep_pausing, pausing
from ml_connector.engine.process_lock import ProcessLock
from ml_connector.engine.pruning import Pruner, prune_once
from ml_connector.engine.steps import (
    SUMMARY_BYTES_MAX,
    RunSteps,
    copy_storable,
    find_last_error,
)
from ml_connector.errors import (
    ConnectorError,
    DatabaseAwayError,
    RunInterruptedError,
    StoredError,
)
from ml_connector.ports import Clock, FlowFunction, Json

logger = logging.getLogger(__name__)

WORKFLOW = "run"
CLOSE_WAIT_S = 10.0
"""How long `close()` waits for running steps to end."""
LEAVE_WAIT_S = 2.0
"""How long runs that were taken from the queue at the last moment have to leave again."""
WORKER_LOOK_S = 1.0
"""Who only follows a run looks this often whether anybody executes any."""

_IN_THIS_PROCESS = threading.Lock()
"""Held by the launched engine: DBOS keeps its state in module globals."""


class DurableEngine:
    """Runs flows step by step and lets them go on after any stop.

    A run that stops with an error is left in a state that can be resumed. With SQLite nothing
    begins again by itself: only what was queued and never begun starts when an engine is launched.
    With PostgreSQL the runs of a process that died or was stopped go on in another one, except
    those it was itself asked for, which stop with it.
    """

    def __init__(
        self,
        database_url: str,
        *,
        clock: Clock,
        observer: RunObserver,
        application_version: int,
        role: Role | None = None,
    ) -> None:
        self._url = bound_connections(database_url)
        self._role = role or Role()
        self._clock = clock
        self._observer = observer
        self._version = str(application_version)
        # Unique per process and launch: DBOS recovers, unasked, the runs of its own executor id.
        self._executor_id = f"{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._flows: dict[str, FlowFunction] = {}
        self._board = RunBoard()
        self._stop = threading.Event()
        self._outage = Outage(self._stop, clock=clock)
        file = find_sqlite_file(database_url)
        self._where = sa.make_url(database_url).render_as_string(hide_password=True)
        self._lock = ProcessLock(file.parent) if file else None
        self._crew: Crew | None = None
        self._pruner: Pruner | None = None
        self._asked: set[str] = set()
        self._engine: sa.Engine | None = None
        self._workflow: Callable[[str, Json], Json] | None = None

    def register(self, flow_name: str, flow: FlowFunction) -> None:
        """Runs may be started under this name; before the launch only."""
        assert self._workflow is None
        assert flow_name not in self._flows
        self._flows[flow_name] = flow

    def launch(self) -> None:
        """Queued runs are executed from now on; runs of dead processes may be resumed.

        Raises:
            EngineBusyError: Another engine uses the state folder, or runs in this process.
        """
        if not _IN_THIS_PROCESS.acquire(blocking=False):
            raise EngineBusyError(self._where, f"another engine of this process, {os.getpid()}")
        try:
            if self._lock is not None:
                self._lock.take(now=self._clock.now(), serves=self._role.serves)
            self._launch_dbos()
            self._release_abandoned()
        except BaseException:
            self._tear_down()
            raise

    def close(self, *, wait_s: float = CLOSE_WAIT_S) -> list[str]:
        """Nothing runs any more; runs stop at their next step boundary and stay resumable.

        With PostgreSQL they are queued again for others.

        Returns:
            Runs whose step did not end in time. Their state folder stays locked until the process
            ends, which their threads delay: leave by `os._exit` if it must be at once. With
            PostgreSQL they stay this process's until it ends, and go on elsewhere then.
        """
        if self._workflow is None:
            return []
        self.request_stop()
        left = self._board.wait_idle(wait_s)
        if left:
            logger.warning("engine.closed_with_runs run_ids=%s", ",".join(left))
        self._tear_down(left)
        return left

    def start(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The run is queued under its id; the same id twice is one run.

        Runs with the same queue key are executed one after the other.

        Raises:
            UnknownFlowError: No such flow.
            UnstorableValueError: The request holds a float or another thing that is no JSON.
        """
        self._asked.add(run_id)
        self.queue(flow=flow, run_id=run_id, request=request, queue_key=queue_key)

    def queue(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """As `start`, of a run that nobody here waits for: it does not stop with this process.

        Raises:
            UnknownFlowError: No such flow.
            UnstorableValueError: The request holds a float or another thing that is no JSON.
        """
        if flow not in self._flows:
            raise UnknownFlowError(flow, sorted(self._flows))
        assert self._workflow is not None
        assert run_id
        assert queue_key
        stored = copy_storable(request, what="request")
        with (
            pausing(partial(self._outage.pause_asking, run_id)),
            SetWorkflowID(run_id),
            SetEnqueueOptions(queue_partition_key=queue_key),
        ):
            DBOS.enqueue_workflow(self._role.queue, self._workflow, flow, stored)

    def is_under_way(self, run_id: str) -> bool | None:
        """Whether the run is queued, executed or done; None when it was never queued."""
        status = DBOS.get_workflow_status(run_id)
        if status is None:
            return None
        return status.status in {*_ACTIVE, _DONE} and not self._is_unreleased(run_id, status)

    def wait(self, run_id: str) -> Json:
        """The run's summary once it ended; executed here, it stops with this process from now on.

        Raises:
            ConnectorError: The error the run stopped with.
            UnknownRunError: No such run.
            TakenForDeadError: Others have the runs of this process.
            LeftToOthersError: A stop was asked for; the run goes on where it is executed.
            NobodyWorksError: The engine only follows, and nobody executes runs.
        """
        self._asked.add(run_id)
        looked_at = 0.0
        while True:
            with pausing(partial(self._outage.pause_asking, run_id)):
                status = self._load_status(run_id)
            self._outage.note_back(ENGINE)
            if status.status == WorkflowStatusString.SUCCESS.value:
                assert isinstance(status.output, dict)
                return status.output
            if status.status not in _ACTIVE or self._is_unreleased(run_id, status):
                raise self._find_error(run_id, status)
            self._verify_version(status)
            if self._crew is not None and time.monotonic() - looked_at > WORKER_LOOK_S:
                self._crew.verify_followed(status)
                looked_at = time.monotonic()
            self._board.wait_change(run_id)

    def resume(self, run_id: str, *, is_awaited: bool = True) -> None:
        """An interrupted, failed or abandoned run goes on at its first missing step.

        One that nobody here awaits does not stop with this process. It goes back into the queue of
        its key. One that is queued, running or done is left alone; so is, with PostgreSQL, that of
        a process which has died: the others take it over.

        Raises:
            UnknownRunError: No such run.
            OtherVersionError: Another version of the engine began it.
            UnreadableRunError: Somebody else wrote its row.
        """
        status = self._load_status(run_id)
        if status.status == WorkflowStatusString.SUCCESS.value:
            return
        self._verify_version(status)
        if status.status == WorkflowStatusString.ERROR.value:
            raise self._find_error(run_id, status)
        self._asked.update({run_id} if is_awaited else ())
        is_ours = status.executor_id == self._executor_id
        is_left = self._crew is not None or is_ours or status.status != _RUNNING
        if status.status in _ACTIVE and is_left and not self._is_unreleased(run_id, status):
            return
        self._board.forget_error(run_id)
        # Without the queue's name it would go to an internal queue, past the limit of its key.
        DBOS.resume_workflow(run_id, queue_name=self._role.queue)

    def request_stop(self) -> None:
        """All runs of this process stop at their next step boundary and stay resumable."""
        self._stop.set()

    @property
    def is_taken_for_dead(self) -> bool:
        """Whether others have the runs of this process, which was not heard for too long."""
        return self._crew is not None and self._crew.is_taken_for_dead

    def find_worker(self) -> str | None:
        """Some process that executes such runs now; with SQLite there is no other one."""
        return self._crew.find_worker() if self._crew is not None else None

    def verify_heard(self) -> None:
        """Return when this process may act on other systems: nobody can have its runs.

        Asked before each request. While the engine's database is away it waits.

        Raises:
            TakenForDeadError: Others have its runs.
            StoppedRunError: A stop was asked for meanwhile.
        """
        if self._crew is not None:
            self._crew.verify_heard()

    @property
    def executor_id(self) -> str:
        """The name of this process towards the others."""
        return self._executor_id

    def is_executed(self, run_id: str) -> bool:
        """Whether a living process has taken the run from its queue and not ended it."""
        status = DBOS.get_workflow_status(run_id)
        if status is None or status.status != _RUNNING:
            return False
        return self._crew is None or self._crew.is_living(str(status.executor_id))

    def _launch_dbos(self) -> None:
        identity = Identity(
            executor_id=self._executor_id,
            application_version=self._version,
            queue=self._role.queue,
        )
        self._engine = prepare_dbos(self._url, identity)
        self._workflow = self._make_workflow()
        if self._lock is None:
            bound_waits()
            self._crew = self._make_crew()
            executes = self._crew.open()
            # Queues of other organisations may be in the database; their flows are not here.
            DBOS.listen_queues([self._role.queue] if executes else [])
            self._pruner = Pruner(self._crew.elect_pruner, clock=self._clock) if executes else None
        DBOS.launch()
        if self._lock is not None:
            prune_once(self._clock.now())
        elif self._pruner is not None:
            self._pruner.start()

    def _make_crew(self) -> Crew:
        member = Member(
            executor_id=self._executor_id, queue=self._role.queue, version=self._version,
            migration=self._role.migration,
        )  # fmt: skip
        return Crew(
            self._url, member, role=self._role, outage=self._outage, board=self._board,
            on_taken_over=self._tell_taken_over,
        )  # fmt: skip

    def _tell_taken_over(self, run: HeldRun) -> None:
        with logged("run.observer_failed", run.run_id):
            self._observer.run_taken_over(run.run_id)

    def _make_workflow(self) -> Callable[[str, Json], Json]:
        # One workflow for all flows: DBOS leaves a run whose workflow it does not know for ever
        # pending, while a flow we do not know is refused by us.
        def run(flow: str, request: Json) -> Json:
            return self._execute(flow, request)

        return DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(run)

    def _execute(self, flow: str, request: Json) -> Json:
        run_id = DBOS.workflow_id
        assert run_id is not None
        keep_pausing(self._outage.pause_executing)  # Also while DBOS stores how the run has ended.
        with self._board.executing(run_id), exact_money():
            try:
                return self._run_flow(run_id, flow, request)
            except dbos_errors.DBOSBaseException as lost:
                # Cancelled, or taken over by another worker: no longer ours to report or to end.
                raise LeaveRun from lost
            except BaseException as error:
                self._leave_run(run_id, as_connector_error(error, run_id))
                raise LeaveRun from error

    def _run_flow(self, run_id: str, flow: str, request: Json) -> Json:
        ride = partial(self._outage.ride, run_id)
        ride(lambda: self._observer.run_started(run_id))
        if flow not in self._flows:
            raise UnknownFlowError(flow, sorted(self._flows))
        if self._stop.is_set():
            raise StoppedRunError(run_id)
        steps = RunSteps(run_id, stop=self._stop, observer=self._observer, ride=ride)
        found = self._flows[flow](steps, request)
        summary = copy_storable(found, what="summary", bytes_max=SUMMARY_BYTES_MAX)
        if steps.failure is not None:
            raise steps.failure
        if self._crew is not None:
            self._crew.verify_owned(run_id)
        ride(lambda: self._observer.run_finished(run_id, summary=summary, error=None))
        return summary

    def _leave_run(self, run_id: str, error: ConnectorError) -> None:
        """What this execution stopped with is told, unless the run is another one's by now."""
        if self._crew is not None:
            try:
                self._crew.verify_owned(run_id)
            except RunInterruptedError:
                self._board.keep_error(run_id, error)
                return
        ride = partial(self._outage.ride, run_id)
        if self._gives_back(run_id, error):
            with logged("run.observer_failed", run_id):
                ride(lambda: self._observer.run_given_back(run_id))
        else:
            self._stop_run(run_id, error)

    def _stop_run(self, run_id: str, error: ConnectorError) -> None:
        self._board.keep_error(run_id, error)
        with logged("run.observer_failed", run_id):
            tell = partial(self._observer.run_finished, run_id, summary=None, error=error)
            self._outage.ride(run_id, tell)
        with logged("run.not_released", run_id):
            self._release(run_id)

    def _gives_back(self, run_id: str, error: ConnectorError) -> bool:
        """Whether the run only stops because this process does, and nobody here waits for it."""
        # Not in a step, or that would have waited: the reaper of this process queues it again.
        is_away = isinstance(error, DatabaseAwayError)
        is_stop = self._stop.is_set() and isinstance(error, RunInterruptedError)
        is_left = is_stop and run_id not in self._asked
        return self._crew is not None and (is_left or is_away)

    def _release(self, run_id: str) -> None:
        if self._crew is not None:
            # Asked again: telling may have waited, and it would be another's execution that ends.
            self._crew.verify_owned(run_id)
        # Cancelled is DBOS's word for a run that frees its queue and can be resumed. In an empty
        # context, or DBOS would store the call itself as a step of the run.
        contextvars.Context().run(DBOS.cancel_workflow, run_id)

    def _is_unreleased(self, run_id: str, status: WorkflowStatus) -> bool:
        # On a full disk; with PostgreSQL another process may have it.
        return self._crew is None and status.status == _RUNNING and self._board.is_over(run_id)

    def _release_abandoned(self) -> None:
        """Runs of dead processes no longer block their key; they wait for a resume.

        Only with SQLite: the lock proves that no other engine lives. Workers on PostgreSQL do.
        """
        if self._lock is None:
            return
        for status in DBOS.list_workflows(status=_RUNNING, load_input=False, load_output=False):
            if status.executor_id != self._executor_id:
                self._stop_run(status.workflow_id, AbandonedRunError(status.workflow_id))

    def _load_status(self, run_id: str) -> WorkflowStatus:
        assert self._workflow is not None, "the engine is not launched"
        status = DBOS.get_workflow_status(run_id)
        if status is None:
            raise UnknownRunError(run_id)
        if not isinstance(status.input, dict):
            raise UnreadableRunError(run_id)
        return status

    def _verify_version(self, status: WorkflowStatus) -> None:
        if status.app_version != self._version:
            raise OtherVersionError(status.workflow_id, str(status.app_version), self._version)

    def _find_error(self, run_id: str, status: WorkflowStatus) -> ConnectorError:
        kept = self._board.find_error(run_id)
        if kept is not None:
            return kept
        if isinstance(status.error, ConnectorError):
            return status.error
        steps = DBOS.list_workflow_steps(run_id)
        record = find_last_error([step["output"] for step in steps])
        return StoredError(record) if record is not None else StoppedRunError(run_id)

    def _tear_down(self, left: Collection[str] = ()) -> None:
        if self._pruner is not None:
            self._pruner.stop()
        DBOS.destroy(destroy_registry=True)
        if self._crew is not None:
            self._crew.close(still={*self._board.wait_idle(LEAVE_WAIT_S), *left})
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._workflow = self._crew = self._pruner = None
        if self._lock is not None and not left:
            self._lock.release()
        _IN_THIS_PROCESS.release()


_RUNNING, _DONE = WorkflowStatusString.PENDING.value, WorkflowStatusString.SUCCESS.value
_ACTIVE = frozenset(
    {_RUNNING, WorkflowStatusString.ENQUEUED.value, WorkflowStatusString.DELAYED.value}
)
