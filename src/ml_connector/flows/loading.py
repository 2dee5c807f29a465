"""Loading: upload, intent, one start, follow, result and dump; each part survives a crash.

A task start carries no key, so it is sent once under a stored intent. When its reply is lost the
task is looked for among the model's tasks and adopted; only a task proven absent after the settle
time is started again.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ml_connector.errors import (
    BusyError,
    ConnectorError,
    OutcomeUnknownError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.flows.bench import Bench
from ml_connector.flows.polling import follow_task
from ml_connector.flows.preflight import parse_action
from ml_connector.ports import (
    Action,
    Intent,
    IntentState,
    Json,
    Lease,
    LoadOutcome,
    RefusedRow,
    Steps,
    TaskState,
)

LEASE_S = 600
"""Longer than any single call below, so that a live run never loses its model in mid-call."""
UPLOADS_MAX = 3
SETTLE_WAITS_S = (2.0, 5.0, 10.0, 20.0, 30.0)
"""A lost start is looked for this long before it counts as never begun."""
STARTS_MAX = 3
BUSY_WAITS_S = (10.0, 20.0, 30.0, 60.0)
"""Waits between starts that a busy or throttling model has refused."""
TASKS_KNOWN_MAX = 1000
WHOLE_FAILURES = frozenset(
    {str(LoadOutcome.FAILED), str(LoadOutcome.CANCELLED), str(TaskState.VANISHED)}
)


class UploadNotWholeError(RefusedError):
    """The model does not hold all chunks after three tries."""

    code = "loading.upload-not-whole"


class ImportFailedError(RefusedError):
    """The import failed as a whole; the model keeps what it held."""

    code = "loading.import-failed"


class StartUnclearError(OutcomeUnknownError):
    """Several tasks could be the one that was started."""

    code = "loading.start-unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one load needs to know: its pinned action, its file and its name within the run."""

    label: str
    pins: Json
    model_id: str
    chunks: tuple[str, ...]

    @property
    def action(self) -> Action:
        """The import or process that is started."""
        return parse_action(self.pins["action"])

    @property
    def content_hash(self) -> str:
        """Identifies what the load writes: its action and its bytes."""
        content = json.dumps([self.label, self.pins["action"], self.chunks], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def take_lease(bench: Bench, steps: Steps, model_id: str) -> Lease:
    """This run has the model, or keeps it; a dead predecessor of the run is shut out."""
    return bench.records.intents.take_lease(
        model_id, holder=f"{steps.run_id}/{bench.holder}", seconds=LEASE_S
    )


def run_load(steps: Steps, bench: Bench, load: Load) -> Json:
    """The file is loaded once; returns task, outcome, and documents of result and refusals.

    A result of state vanished, or one whose dump is gone, must be settled by reading the model.

    Raises:
        OutcomeUnknownError: Whether a task was started is not known; a resume settles it.
    """
    lease = take_lease(bench, steps, load.model_id)
    try:
        upload(steps, bench, load, lease)
        intent = steps.step(f"{load.label}: intent", partial(_intend, steps, bench, load))
        started = _start_once(steps, bench, load, intent)
        return {**_finish(steps, bench, load, started, lease), "intent_id": intent["intent_id"]}
    finally:
        bench.records.intents.release_lease(lease)


def upload(steps: Steps, bench: Bench, load: Load, lease: Lease) -> None:
    """The import's file holds exactly the load's chunks.

    Raises:
        UploadNotWholeError: Chunks are still missing after three whole uploads.
    """
    file_id = load.pins["file_id"]
    count = 0
    for attempt in range(1, UPLOADS_MAX + 1):
        label = f"{load.label}: upload {attempt}"
        steps.step(f"{label}, declare", partial(_declare, bench, lease, file_id, len(load.chunks)))
        for index, file_hash in enumerate(load.chunks):
            steps.step(
                f"{label}, chunk {index + 1}/{len(load.chunks)}",
                partial(_send_chunk, bench, lease, file_id, index, file_hash),
            )
        count = int(
            steps.step(f"{label}, verify", partial(_complete, bench, file_id, len(load.chunks)))[
                "chunks"
            ]
        )
        if count == len(load.chunks):
            return
    raise UploadNotWholeError(
        f"The file {file_id} holds {count} of {len(load.chunks)} chunks after"
        f" {UPLOADS_MAX} uploads.",
        written="No import was started; the model keeps what it held.",
        next_step=f"Look whether another program uploads to this file, then"
        f" `ml-connector runs resume {steps.run_id}`.",
        file=file_id,
    )


def _declare(bench: Bench, lease: Lease, file_id: str, chunks: int) -> Json:
    bench.records.intents.verify_lease(lease)
    bench.target.submit_chunk_count(file_id, chunks)
    return {"chunks": chunks}


def _send_chunk(bench: Bench, lease: Lease, file_id: str, index: int, file_hash: str) -> Json:
    bench.records.intents.verify_lease(lease)
    content = b"".join(bench.archive.read_bytes(file_hash))
    bench.target.submit_chunk(file_id, index, content)
    return {"chunk": index, "sha256": file_hash, "bytes": len(content)}


def _complete(bench: Bench, file_id: str, chunks: int) -> Json:
    try:
        bench.target.submit_upload_complete(file_id, chunks)
    except OutcomeUnknownError:
        # A lost reply here is settled by what the file holds, which is read next in any case.
        return {"chunks": bench.target.read_chunk_count(file_id), "settled": True}
    return {"chunks": bench.target.read_chunk_count(file_id)}


def _intend(steps: Steps, bench: Bench, load: Load) -> Json:
    lease = take_lease(bench, steps, load.model_id)
    intent = bench.records.intents.make_intent(
        lease=lease, run_id=steps.run_id, action=load.action, content_hash=load.content_hash
    )
    stamps = bench.target.read_task_stamps(load.action)
    return {
        "intent_id": intent.intent_id,
        "tasks_before": [stamp.task_id for stamp in stamps[-TASKS_KNOWN_MAX:]],
    }


def _start_once(steps: Steps, bench: Bench, load: Load, intended: Json) -> Json:
    for attempt in range(1, STARTS_MAX + 1):
        started = steps.step(
            f"{load.label}: start {attempt}", partial(_start, steps, bench, load, intended)
        )
        if started["task_id"]:
            return started
    raise StartUnclearError(
        f"The import {load.action.name} was sent {STARTS_MAX} times and never appeared among the"
        " model's tasks.",
        written="Whether it will still run is not known.",
        next_step=f"Look at the model's history, then `ml-connector runs resume {steps.run_id}`.",
        action=load.action.name,
    )


def _start(steps: Steps, bench: Bench, load: Load, intended: Json) -> Json:
    """Start the task, or adopt the one an earlier try of this step has started.

    The intent is marked unknown *before* the call leaves: a process killed in between leaves a
    trace that makes its successor look before it sends.
    """
    intents = bench.records.intents
    intent = _find_intent(bench, steps, intended["intent_id"])
    if intent.task_id:
        return {"task_id": intent.task_id, "adopted": False}
    if intent.state is IntentState.UNKNOWN:
        return _settle(bench, load, intended, intent)
    if intent.state is IntentState.REFUSED:
        # The run had stopped before it sent anything; it goes on, so the decision stands again.
        intents.save_intent(intent.intent_id, IntentState.OPEN)
    lease = take_lease(bench, steps, load.model_id)
    intents.verify_lease(lease)
    intents.save_intent(intent.intent_id, IntentState.UNKNOWN)
    try:
        task_id = _submit(bench, load.action)
    except OutcomeUnknownError:
        return _settle(bench, load, intended, intent)
    except ConnectorError:
        # Any other error says that nothing was started: the intent is open again.
        intents.save_intent(intent.intent_id, IntentState.OPEN)
        raise
    intents.save_intent(intent.intent_id, IntentState.CONFIRMED, task_id=task_id)
    _record_start(steps, bench, load, task_id, adopted=False)
    return {"task_id": task_id, "adopted": False}


def _submit(bench: Bench, action: Action) -> str:
    """The id of the started task; a model that is busy or throttles is asked again after a wait.

    Both answers say that nothing was started, so asking again is safe.
    """
    for wait_s in BUSY_WAITS_S:
        try:
            return bench.target.submit_task(action)
        except (BusyError, SystemUnavailableError):
            bench.clock.sleep(wait_s)
    return bench.target.submit_task(action)


def _record_start(steps: Steps, bench: Bench, load: Load, task_id: str, *, adopted: bool) -> None:
    bench.records.audit.record(
        "task.adopted" if adopted else "task.started",
        subject=task_id,
        actor=bench.actor,
        run_id=steps.run_id,
        action=load.action.name,
        model=load.model_id,
        content=load.content_hash,
    )


def _find_intent(bench: Bench, steps: Steps, intent_id: str) -> Intent:
    return next(
        intent
        for intent in bench.records.intents.load_intents(run_id=steps.run_id)
        if intent.intent_id == intent_id
    )


def _settle(bench: Bench, load: Load, intended: Json, intent: Intent) -> Json:
    """Find the task an unanswered start has begun; empty once it is proven absent.

    An empty list proves nothing unless the model can be read, so that is looked at each time.
    """
    before = set(intended["tasks_before"])
    for wait_s in SETTLE_WAITS_S:
        bench.clock.sleep(wait_s)
        bench.target.read_model_state()
        claimed = bench.records.intents.find_claimed_tasks(load.action.action_id)
        fresh = [
            stamp.task_id
            for stamp in bench.target.read_task_stamps(load.action)
            if stamp.task_id not in before and stamp.task_id not in claimed
        ]
        if len(fresh) > 1:
            raise StartUnclearError(
                f"{len(fresh)} tasks of {load.action.name} could be the one this run started:"
                f" {', '.join(fresh)}.",
                written="At least one of them runs or ran in the model.",
                next_step="Find out who started the others, cancel what should not run, then"
                f" `ml-connector runs resume {intent.run_id}`.",
                action=load.action.name,
            )
        if fresh:
            bench.records.intents.save_intent(
                intent.intent_id, IntentState.CONFIRMED, task_id=fresh[0]
            )
            bench.records.audit.record(
                "task.adopted", subject=fresh[0], actor=bench.actor, run_id=intent.run_id,
                action=load.action.name, model=load.model_id, content=load.content_hash,
            )  # fmt: skip
            return {"task_id": fresh[0], "adopted": True}
    bench.records.intents.save_intent(intent.intent_id, IntentState.OPEN)
    return {"task_id": "", "adopted": False}


def _finish(steps: Steps, bench: Bench, load: Load, started: Json, lease: Lease) -> Json:
    followed = steps.step(
        f"{load.label}: follow task",
        partial(_follow, steps, bench, load, started["task_id"], lease),
    )
    return {**followed, "task_id": started["task_id"], "adopted": started["adopted"]}


def _follow(steps: Steps, bench: Bench, load: Load, task_id: str, lease: Lease) -> Json:
    """Follow the task; its result and dumps are archived in the same step it ends in."""
    result = follow_task(
        steps, bench.target, bench.clock, load.action, task_id,
        beat=partial(bench.records.intents.verify_lease, lease),
    )  # fmt: skip
    dumps = [
        bench.archive.write_bytes(
            bench.target.read_dump(load.action, task_id, object_id), suffix="dump.csv"
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


def verify_import(load: Load, finished: Json, *, rows: int) -> None:
    """The import did not fail as a whole.

    Raises:
        ImportFailedError: It failed, was cancelled or vanished; the model keeps what it held.
    """
    outcome = finished["outcome"] or finished["state"]
    if outcome not in WHOLE_FAILURES:
        return
    told = "; ".join(finished["messages"]) or "no reason given"
    raise ImportFailedError(
        f"The import {load.action.name} (task {finished['task_id']}) ended as {outcome}: {told}.",
        written=f"None of its {rows} rows was taken; the model was read back unchanged.",
        next_step="Mend the cause in the model, then run the flow again.",
        action=load.action.name, task_id=finished["task_id"],
    )  # fmt: skip
