"""Loading: upload, intent, one start, follow, result and dump; each part survives a crash.

A task start carries no key, so it is sent once under a stored intent. When its reply is lost the
task is looked for among the model's tasks and adopted; only a task proven absent after the settle
time is started again.
"""

from collections.abc import Iterator
from functools import partial

from ml_connector.errors import (
    BusyError,
    ConnectorError,
    OutcomeUnknownError,
    RefusedError,
    RunInterruptedError,
)
from ml_connector.flows.bench import Bench
from ml_connector.flows.loading.load import Load, LoadWork
from ml_connector.flows.loading.model_hold import ModelHold, is_shared
from ml_connector.flows.loading.polling import follow_task
from ml_connector.flows.loading.starting import submit_patiently
from ml_connector.flows.loading.uploading import upload
from ml_connector.ports import (
    Intent,
    IntentState,
    Json,
    LoadOutcome,
    RefusedRow,
    Steps,
    TaskStamp,
    TaskState,
)

SETTLE_WAITS_S = (2.0, 5.0, 10.0, 20.0, 30.0)
"""A lost start is looked for this long before it counts as never begun."""
STARTS_MAX = 3
TASKS_KNOWN_MAX = 1000
WHOLE_FAILURES = frozenset(
    {str(LoadOutcome.FAILED), str(LoadOutcome.CANCELLED), str(TaskState.VANISHED)}
)


class ImportFailedError(RefusedError):
    """The import failed as a whole; the model keeps what it held."""

    code = "loading.import-failed"


class StartUnclearError(OutcomeUnknownError):
    """A task was to be started, and which one it was, if any, is not known."""

    code = "loading.start-unclear"


class FileTakenError(BusyError):
    """Other runs keep using the file this load has uploaded to."""

    code = "loading.file-taken"


def run_load(steps: Steps, bench: Bench, load: Load) -> Json:
    """The file is loaded once; returns task, outcome, and documents of result and refusals.

    A result of state vanished, or one whose dump is gone, must be settled by reading the model.

    Raises:
        OutcomeUnknownError: Whether a task was started is not known; a resume settles it.
    """
    hold = ModelHold(bench, steps=steps, model_id=load.model_id)
    work = LoadWork(steps=steps, bench=bench, load=load, hold=hold)
    try:
        fence = upload(work)
        intent = steps.step(f"{load.label}: intent", partial(_intend, work))
        started = _start_once(work, intent, fence)
        followed = steps.step(
            f"{load.label}: follow task", partial(_follow, work, started["task_id"])
        )
    finally:
        hold.release()
    return {
        **followed,
        "task_id": started["task_id"],
        "adopted": started["adopted"],
        "intent_id": intent["intent_id"],
    }


def _intend(work: LoadWork) -> Json:
    bench, load = work.bench, work.load
    intent = bench.records.intents.make_intent(
        lease=work.hold.take(),
        run_id=work.steps.run_id,
        action=load.action,
        content_hash=load.content_hash,
    )
    stamps = bench.target.read_task_stamps(load.action)
    return {
        "intent_id": intent.intent_id,
        "tasks_before": [stamp.task_id for stamp in stamps[-TASKS_KNOWN_MAX:]],
    }


def _start_once(work: LoadWork, intended: Json, fence: int) -> Json:
    """The started task; a file another run may have used meanwhile is uploaded again first.

    The last try ends the run from within its step, so that a resume makes that try again.
    """
    for attempt in range(1, STARTS_MAX + 1):
        start = partial(_start, work, intended, fence, is_last=attempt == STARTS_MAX)
        started = work.steps.step(f"{work.load.label}: start {attempt}", start)
        if started["task_id"]:
            return started
        if started["is_stale"]:
            fence = upload(work)
    raise AssertionError("the last start returns a task or raises")


def _start(work: LoadWork, intended: Json, fence: int, *, is_last: bool) -> Json:
    """Start the task, or adopt the one an earlier try of this step has started.

    The intent is marked unknown *before* the call leaves: a process killed in between leaves a
    trace that makes its successor look before it sends.
    """
    intents, load = work.bench.records.intents, work.load
    intent = _find_intent(work, intended["intent_id"])
    if intent.task_id:
        return _started(intent.task_id)
    lease = work.hold.take()
    if intent.state is IntentState.UNKNOWN:
        return _settle(work, intended, intent, is_last=is_last)
    if is_shared(fence, lease.fence):
        return _tell_stale(work, is_last=is_last)
    if intent.state is IntentState.REFUSED:
        # The run had stopped before it sent anything; it goes on, so the decision stands again.
        intents.save_intent(intent.intent_id, IntentState.OPEN, lease=lease)
    intents.save_intent(intent.intent_id, IntentState.UNKNOWN, lease=lease)
    try:
        task_id = submit_patiently(work.bench, load.action)
    except OutcomeUnknownError:
        return _settle(work, intended, intent, is_last=is_last)
    except ConnectorError:
        # Any other error says that nothing was started: the intent is open again.
        intents.save_intent(intent.intent_id, IntentState.OPEN, lease=lease)
        raise
    try:
        return _confirm(work, intent, task_id, adopted=False)
    except ConnectorError as error:
        _tell_late(work, intent.intent_id, task_id, is_lost=isinstance(error, RunInterruptedError))
        raise


def _started(task_id: str, *, adopted: bool = False, is_stale: bool = False) -> Json:
    return {"task_id": task_id, "adopted": adopted, "is_stale": is_stale}


def _tell_stale(work: LoadWork, *, is_last: bool) -> Json:
    if not is_last:
        return _started("", is_stale=True)
    raise FileTakenError(
        f"The file {work.load.pins['file_id']} was used by other runs each time this run was about"
        f" to start {work.load.action.name}.",
        written="No import was started; the model keeps what it held.",
        next_step=f"Start a new run: `ml-connector retry {work.steps.run_id}`.",
        file=work.load.pins["file_id"],
    )


def _confirm(work: LoadWork, intent: Intent, task_id: str, *, adopted: bool) -> Json:
    bench, load = work.bench, work.load
    # Together: a task that is known and in no chain would be told by nobody ever after.
    with bench.records.transactions.begin(f"the task {task_id}"):
        bench.records.intents.save_intent(intent.intent_id, IntentState.CONFIRMED, task_id=task_id)
        bench.records.audit.record(
            "task.adopted" if adopted else "task.started",
            subject=task_id,
            actor=bench.actor,
            run_id=work.steps.run_id,
            action=load.action.name,
            model=load.model_id,
            content=load.content_hash,
        )
    return _started(task_id, adopted=adopted)


def _tell_late(work: LoadWork, intent_id: str, task_id: str, *, is_lost: bool) -> None:
    """A start that left when others had the run already is on record.

    It reads the same file as the successor's, so it sets the same cells; who looks at the model's
    tasks finds here where the second one comes from. A successor that has proven the start absent
    counts none, and may never look again.
    """
    bench, counted = work.bench, _find_intent(work, intent_id).task_id
    if counted != task_id and (counted or is_lost):
        bench.records.audit.record(
            "task.late",
            subject=task_id,
            actor=bench.actor,
            run_id=work.steps.run_id,
            action=work.load.action.name,
            model=work.load.model_id,
            counted=counted,
        )


def _find_intent(work: LoadWork, intent_id: str) -> Intent:
    return next(
        intent
        for intent in work.bench.records.intents.load_intents(run_id=work.steps.run_id)
        if intent.intent_id == intent_id
    )


def _settle(work: LoadWork, intended: Json, intent: Intent, *, is_last: bool) -> Json:
    """Adopt the task an unanswered start has begun; empty once it is proven absent.

    An empty list proves nothing unless the model can be read, so that is looked at each time.
    """
    bench = work.bench
    for wait_s in SETTLE_WAITS_S:
        bench.clock.sleep(wait_s)
        lease = work.hold.take()
        bench.target.read_model_state()
        fresh = _list_fresh(work, intended)
        # A task somebody has cancelled will not write: what is left of several may be the one.
        alive = [one for one in fresh if one.state is not TaskState.CANCELLED]
        if len(alive) > 1:
            raise _several(work, alive)
        if fresh:
            return _confirm(work, intent, (alive or fresh)[-1].task_id, adopted=True)
    bench.records.intents.save_intent(intent.intent_id, IntentState.OPEN, lease=lease)
    if is_last:
        raise _never_seen(work)
    return _started("")


def _list_fresh(work: LoadWork, intended: Json) -> list[TaskStamp]:
    """The action's tasks that were not there before the start and belong to no other run."""
    action = work.load.action
    known = set(intended["tasks_before"])
    known |= work.bench.records.intents.find_claimed_tasks(action.action_id)
    stamps = work.bench.target.read_task_stamps(action)
    return [stamp for stamp in stamps if stamp.task_id not in known]


def _several(work: LoadWork, found: list[TaskStamp]) -> StartUnclearError:
    name = work.load.action.name
    return StartUnclearError(
        f"{len(found)} tasks of {name} could be the one this run started:"
        f" {', '.join(one.task_id for one in found)}.",
        written="At least one of them runs or ran in the model.",
        next_step="Find out who started the others, cancel what should not run, then"
        f" `ml-connector runs resume {work.steps.run_id}`.",
        action=name,
    )


def _never_seen(work: LoadWork) -> StartUnclearError:
    name = work.load.action.name
    return StartUnclearError(
        f"The import {name} was sent {STARTS_MAX} times and never appeared among the model's"
        " tasks.",
        written="As far as the model shows nothing was started; its cells were not looked at.",
        next_step="Look at the model's history and the network, then"
        f" `ml-connector runs resume {work.steps.run_id}` sends it once more.",
        action=name,
    )


def _follow(work: LoadWork, task_id: str) -> Json:
    """Follow the task; its result and dumps are archived in the same step it ends in."""
    bench, action = work.bench, work.load.action
    result = follow_task(
        work.steps, bench.target, bench.clock, action, task_id, beat=work.hold.keep
    )
    dumps = [
        bench.archive.write_bytes(
            bench.target.read_dump(action, task_id, object_id), suffix="dump.csv"
        ).file_hash
        for object_id in result.dump_object_ids
    ]
    dumps_lost = sum(1 for file_hash in dumps if not any(bench.archive.read_bytes(file_hash)))
    return {
        "state": str(result.state),
        "outcome": str(result.outcome or ""),
        "messages": list(result.messages[:20]),
        "rows_failed": result.rows_failed,
        "rows_ignored": result.rows_ignored,
        "result": bench.archive.write_bytes([result.raw], suffix="json").file_hash,
        "dumps": dumps,
        "dumps_lost": dumps_lost,
    }


def read_refused_rows(bench: Bench, finished: Json) -> Iterator[RefusedRow]:
    """Yield the rows of all dumps of a load, from the archive."""
    for file_hash in finished["dumps"]:
        yield from bench.target.parse_dump(bench.archive.read_bytes(file_hash))


def name_outcome(finished: Json) -> str:
    """How the task ended, in a word."""
    return str(finished["outcome"] or finished["state"])


def render_failed(load: Load, finished: Json, *, written: str) -> ImportFailedError:
    """The error for an import of which nothing was taken."""
    told = "; ".join(finished["messages"]).rstrip(".") or "no reason given"
    return ImportFailedError(
        f"The import {load.action.name} (task {finished['task_id']}) ended as"
        f" {name_outcome(finished)}: {told}.",
        written=written,
        next_step="Mend the cause in the model, then run the flow again.",
        action=load.action.name, task_id=finished["task_id"],
    )  # fmt: skip
