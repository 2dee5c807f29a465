"""Starting, following, resuming and cancelling runs, the same way for commands and pages."""

from collections.abc import Callable
from dataclasses import dataclass

from ml_connector.errors import (
    BlockedError,
    ConnectorError,
    DatabaseAwayError,
    OutcomeUnknownError,
    RunInterruptedError,
    SystemUnavailableError,
    UsageError,
)
from ml_connector.ports import (
    RUN_RESUMED,
    Clock,
    Engine,
    IntentState,
    Json,
    Records,
    RunRow,
    RunState,
)

RESUMABLE_STATES = frozenset(
    {
        RunState.QUEUED,
        RunState.RUNNING,
        RunState.INTERRUPTED,
        RunState.BLOCKED,
        RunState.FAILED,
        RunState.UNKNOWN,
    }
)
LATER_RUNS_SEEN_MAX = 100
"""Runs of a flow that a resume looks through; one that is older is not resumed."""
UNCLEAR = (
    DatabaseAwayError, OutcomeUnknownError, RunInterruptedError, SystemUnavailableError,
)  # fmt: skip
"""Errors after which an engine may have taken a run all the same."""
UNKNOWN_RUN = "engine.unknown-run"
"""Code of the error of an engine that never heard of a run."""


class NotResumableError(UsageError):
    """The run has ended; there is nothing to go on with."""

    code = "runs.not-resumable"


class SupersededRunError(NotResumableError):
    """A later run of the flow has begun to write; what this one planned is out of date."""

    code = "runs.superseded"


class UnsettledIntentError(OutcomeUnknownError):
    """A task start of the run has no known outcome, so the run cannot be put away."""

    code = "runs.unsettled-intent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDesk:
    """What starting and ending runs needs.

    Attributes:
        engine: Executes or follows runs.
        records: Where runs are recorded.
        clock: The time.
        actor: Who asks.
        find_queue: The queue in which runs of a flow line up, by the flow's name.
    """

    engine: Engine
    records: Records
    clock: Clock
    actor: str
    find_queue: Callable[[str], str] | None = None


def start_run(
    desk: RunDesk, *, run_id: str, flow: str, kind: str, request: Json, queue: str
) -> RunRow:
    """The run is recorded, executed to its end, and returned as it ended.

    Raises:
        BusyError: The flow has an unfinished run.
        ConnectorError: What stopped the run; it stays in the history and may be resumed.
    """
    record_run(desk.records, run_id=run_id, flow=flow, kind=kind, actor=desk.actor, request=request)
    desk.engine.start(flow=flow, run_id=run_id, request=request, queue_key=queue)
    return follow_run(desk, run_id)


def record_run(
    records: Records, *, run_id: str, flow: str, kind: str, actor: str, request: Json
) -> RunRow:
    """The run is in the history, queued, and in the audit chain.

    Raises:
        BusyError: The flow has an unfinished run.
    """
    row = records.runs.create_run(run_id=run_id, flow=flow, kind=kind, actor=actor, request=request)
    records.audit.record("run.started", subject=flow, actor=actor, run_id=run_id, request=request)
    return row


def resume_run(desk: RunDesk, run_id: str) -> RunRow:
    """The run goes on at its first missing step and is returned as it ended.

    Raises:
        ConnectorError: As `requeue_run`, or what stopped it again.
    """
    return follow_run(desk, requeue_run(desk, run_id).run_id)


def requeue_run(desk: RunDesk, run_id: str) -> RunRow:
    """The run goes on at its first missing step; nobody waits here for its end.

    One whose process ended between recording and queueing it begins now.

    Raises:
        NotResumableError: It has ended.
        SupersededRunError: A later run of the flow may have written since it stopped.
        ConnectorError: The engine does not take it; it is in the state it was in.
    """
    # As one act: who puts the run away in the same second finds it taken, or it stays put away.
    with desk.records.transactions.begin(f"that run {run_id} goes on"):
        run = desk.records.runs.load_run(run_id)
        verify_resumable(run)
        _verify_newest(desk.records, run)
        desk.records.audit.record(
            RUN_RESUMED, subject=run.flow, actor=desk.actor, run_id=run.run_id, state=str(run.state)
        )
        # Before the engine takes it, which may end it at once; and so that the flow is taken.
        desk.records.runs.save_run(run.run_id, RunState.RUNNING)
    try:
        _go_on(desk, run)
    except ConnectorError as error:
        if not isinstance(error, UNCLEAR):
            _put_back(desk.records, run)
        raise
    return run


def _put_back(records: Records, run: RunRow) -> None:
    """The run that no engine has taken is what it was; its history does not say that it runs."""
    if records.runs.load_run(run.run_id).state is RunState.RUNNING:
        records.runs.save_run(run.run_id, run.state, error=run.error)


def _go_on(desk: RunDesk, run: RunRow) -> None:
    try:
        desk.engine.resume(run.run_id)
    except UsageError as error:
        if error.code != UNKNOWN_RUN or desk.find_queue is None:
            raise
        if desk.records.runs.load_steps(run.run_id):
            # It has begun somewhere: that engine's progress is missing, not its start.
            raise
        desk.engine.start(
            flow=run.flow, run_id=run.run_id, request=run.request,
            queue_key=desk.find_queue(run.flow),
        )  # fmt: skip


def verify_resumable(run: RunRow) -> None:
    """The run has not ended for good.

    Raises:
        NotResumableError: It has.
    """
    if run.state not in RESUMABLE_STATES:
        raise NotResumableError(
            f"The run {run.run_id} of flow {run.flow} is {run.state}; only an interrupted or failed"
            " run goes on.",
            written="Nothing was done.",
            next_step=f"Start a new one: `ml-connector run {run.flow}`.",
            run=run.run_id,
        )


def _verify_newest(records: Records, run: RunRow) -> None:
    """No later run of the flow was allowed to write.

    A failed run leaves the flow free. Were it resumed after a later run has loaded, it would send
    what it planned before, on top of newer amounts.
    """
    later = ""
    for other in records.runs.load_runs(flow=run.flow, limit=LATER_RUNS_SEEN_MAX):
        if other.run_id == run.run_id:
            return
        later = other.run_id
        if _may_have_written(records, other):
            raise _superseded(run, f"run {later} of flow {run.flow}, which is {other.state}", later)
    # What lies behind so many runs is out of sight, and so is what they wrote.
    raise _superseded(run, f"{LATER_RUNS_SEEN_MAX} later runs of flow {run.flow} and more", later)


def _may_have_written(records: Records, run: RunRow) -> bool:
    """Whether anything the run sent may stand; one that was blocked says so by its traces."""
    if run.request.get("dry_run") or run.request.get("reconcile"):
        return False
    if run.state is not RunState.BLOCKED:
        return True
    intents = records.intents.load_intents(run_id=run.run_id)
    return records.postings.find_made(run.run_id) is not None or any(
        intent.state is not IntentState.REFUSED for intent in intents
    )


def _superseded(run: RunRow, later: str, later_id: str) -> SupersededRunError:
    return SupersededRunError(
        f"The run {run.run_id} stopped before {later}; what it planned is out of date.",
        written="Nothing was done.",
        next_step=f"Start a new one: `ml-connector run {run.flow}`.",
        run=run.run_id,
        later=later_id,
    )


def follow_run(desk: RunDesk, run_id: str) -> RunRow:
    """The run as it ended.

    Raises:
        OutcomeUnknownError: It stopped, for whatever reason, and a task start of it is unsettled.
        ConnectorError: What stopped it.
    """
    try:
        desk.engine.wait(run_id)
    except OutcomeUnknownError:
        raise
    except ConnectorError as error:
        if desk.records.runs.load_run(run_id).state is RunState.UNKNOWN:
            raise _unsettled(run_id) from error
        error.name_run(run_id)
        raise
    return desk.records.runs.load_run(run_id)


def finish_run(
    records: Records, run_id: str, *, summary: Json | None, error: ConnectorError | None
) -> None:
    """The run's end is in the history, its models are free, its useless intents closed.

    A failed run keeps nothing open: an intent that was never sent is refused. One whose outcome is
    unknown stays, keeps the model shut, and makes the run's state *outcome unknown*. A run that
    could not follow the task it had started is *interrupted*: its flow waits for the resume.
    """
    is_refused = isinstance(error, NotResumableError)
    if is_refused or records.runs.load_run(run_id).state is RunState.CANCELLED:
        # It had ended before; an engine that finds it abandoned, or in its queue, changes nothing.
        return
    # Also what a process that was killed had held: nobody else would free it before it runs out.
    records.intents.release_run(run_id)
    if error is None:
        records.runs.save_run(run_id, RunState((summary or {})["state"]), summary=summary)
        return
    unknown = _close_intents(records, run_id)
    state = RunState.FAILED
    if isinstance(error, RunInterruptedError) or (
        isinstance(error, SystemUnavailableError) and _has_unfollowed_start(records, run_id)
    ):
        state = RunState.INTERRUPTED
    if isinstance(error, BlockedError):
        state = RunState.BLOCKED
    if unknown or isinstance(error, OutcomeUnknownError):
        state = RunState.UNKNOWN
    error.name_run(run_id)
    records.runs.save_run(run_id, state, error=error.render_record())


def _has_unfollowed_start(records: Records, run_id: str) -> bool:
    """Whether a task of the run was started whose end nobody has recorded: only a resume can."""
    recorded = {load.intent_id for load in records.loads.load_loads(run_id=run_id)}
    return any(
        intent.state is IntentState.CONFIRMED and intent.intent_id not in recorded
        for intent in records.intents.load_intents(run_id=run_id)
    )


def _close_intents(records: Records, run_id: str) -> bool:
    """Open intents become refused; returns whether one of unknown outcome remains."""
    intents = records.intents.load_intents(run_id=run_id)
    for intent in intents:
        if intent.state is IntentState.OPEN:
            records.intents.save_intent(intent.intent_id, IntentState.REFUSED)
    return any(intent.state is IntentState.UNKNOWN for intent in intents)


def cancel_run(records: Records, run_id: str, *, actor: str) -> RunRow:
    """The run is put away and will not go on; a task it started in the model is left alone.

    Raises:
        NotResumableError: It has ended already.
        UnsettledIntentError: A task start of it may still take effect; resume it to settle that.
    """
    run = records.runs.load_run(run_id)
    if run.state not in RESUMABLE_STATES:
        raise NotResumableError(
            f"The run {run.run_id} of flow {run.flow} is {run.state} already.",
            written="Nothing was done.",
            next_step="List runs: `ml-connector runs list`.",
            run=run.run_id,
        )
    if _close_intents(records, run.run_id):
        raise _unsettled(run.run_id)
    records.intents.release_run(run.run_id)
    records.runs.save_run(run.run_id, RunState.CANCELLED)
    records.audit.record("run.cancelled", subject=run.flow, actor=actor, run_id=run.run_id)
    return records.runs.load_run(run.run_id)


def _unsettled(run_id: str) -> UnsettledIntentError:
    return UnsettledIntentError(
        f"The run {run_id} has sent a task start whose outcome is unknown.",
        written="Whether the task runs in the model is not known.",
        next_step=f"Settle it by reading back: `ml-connector runs resume {run_id}`.",
        run=run_id,
    )
