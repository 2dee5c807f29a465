"""How a finished task ended, from its flags, counters and detail types; texts are never matched."""

from collections.abc import Iterable, Iterator

from ml_connector.errors import ProtocolError
from ml_connector.ports import LoadOutcome, TaskResult, TaskState
from ml_connector.systems.anaplan.wire import Detail, Result, Task

MESSAGES_MAX = 200
STATES = {
    "NOT_STARTED": TaskState.WAITING,
    "IN_PROGRESS": TaskState.RUNNING,
    "CANCELLING": TaskState.RUNNING,
    "COMPLETE": TaskState.COMPLETE,
    "CANCELLED": TaskState.CANCELLED,
}
WITH_FAILURES = frozenset(
    {"hierarchyRowsProcessedWithFailures", "lineItemRowsProcessedWithFailures"}
)
"""The run finished, and some of its rows were not taken."""

RUN_FAILURES = frozenset(
    {
        "actionFailed",
        "connectorError",
        "crossCustomerImport",
        "deleteFromSelectionFailed",
        "failedToLocateEntity",
        "failedToLocateHierarchy",
        "failedToLocateModel",
        "failedToLocateModule",
        "failedToLocateSavedView",
        "hierarchyImportFailed",
        "hierarchyImportDuplicateSourceKey",
        "hierarchyImportDuplicateTargetKey",
        "importFailedGeneralError",
        "internalError",
        "missingFields",
        "moduleImportFailed",
        "moduleImportNoWriteAccess",
        "msgExportCancelled",
        "msgImportCancelled",
        "notAuthorised",
        "sourceModelArchived",
        "uploadedFileNoLongerAvailable",
    }
)
"""The run as a whole failed."""

ROW_FAULTS = frozenset(
    {
        "columnSeparatorExpected",
        "dateFormatInvalid",
        "hierarchyImportInvalidCode",
        "hierarchyImportInvalidName",
        "hierarchyImportInvalidParent",
        "hierarchyImportEmptyKey",
        "hierarchyImportFailedDependency",
        "hierarchyImportNameOrCodeExists",
        "hierarchyImportAccessNoUpdate",
        "hierarchyImportAccessNoMove",
        "moduleImportBooleanFormat",
        "moduleImportDateFormat",
        "moduleImportNumberFormat",
        "moduleImportInvalidLineItemIdentifier",
        "moduleImportInvalidListIdentifier",
        "moduleImportInvalidTimeEntityIdentifier",
        "unmatchedTextDelimiter",
        "usersImportInvalidEmail",
        "usersImportInvalidRole",
        "usersImportConflictingRoles",
    }
)
"""Some row was refused or only partly taken."""

_RANK = (LoadOutcome.OK, LoadOutcome.IGNORED, LoadOutcome.PARTIAL, LoadOutcome.FAILED)
_FAILED_COUNTS = ("failedCount", "warningsRowCount")
_IGNORED_COUNTS = ("ignoredCount",)


def parse_state(text: str) -> TaskState:
    """The state a remote word stands for; unknown words count as running (A-10)."""
    return STATES.get(text, TaskState.RUNNING)


def map_task(task: Task, *, asked_id: str, action_id: str, raw: bytes) -> TaskResult:
    """The task as the flows see it; classified once it has ended.

    Raises:
        ProtocolError: The task is complete and says nothing of its result.
    """
    state = parse_state(task.task_state)
    if state not in (TaskState.COMPLETE, TaskState.CANCELLED):
        return TaskResult(task_id=asked_id, state=state, progress=_render_progress(task), raw=raw)
    result = _take_result(task, state, asked_id)
    return TaskResult(
        task_id=asked_id,
        state=state,
        progress=_render_progress(task),
        outcome=LoadOutcome.CANCELLED if state is TaskState.CANCELLED else classify_result(result),
        dump_object_ids=tuple(dict.fromkeys(_list_dumps(result, action_id))),
        rows_failed=_sum_counts(result, _FAILED_COUNTS[:1]),
        rows_ignored=_sum_counts(result, _IGNORED_COUNTS),
        messages=tuple(_list_messages(result))[:MESSAGES_MAX],
        raw=raw,
    )


def classify_result(result: Result) -> LoadOutcome:
    """The worst that can be said of a result; a process is judged by its steps (A-13)."""
    if not result.nested_results:
        return _classify_leaf(result)
    worst = max((classify_result(step) for step in result.nested_results), key=_RANK.index)
    if worst is LoadOutcome.OK and not result.successful:
        # Ignored rows make a process unsuccessful though every step went well and data landed.
        return LoadOutcome.IGNORED
    return worst


def _classify_leaf(result: Result) -> LoadOutcome:
    if not result.successful:
        return LoadOutcome.PARTIAL if _has_landed_partly(result) else LoadOutcome.FAILED
    if result.failure_dump_available or _has_refused_rows(result):
        return LoadOutcome.PARTIAL
    return LoadOutcome.IGNORED if _sum_counts(result, _IGNORED_COUNTS) else LoadOutcome.OK


def _has_refused_rows(result: Result) -> bool:
    types = {detail.type for detail in result.details}
    return bool(types & (WITH_FAILURES | ROW_FAULTS)) or bool(_sum_counts(result, _FAILED_COUNTS))


def _has_landed_partly(result: Result) -> bool:
    """Whether an unsuccessful run still went row by row and left a dump of those it refused."""
    types = {detail.type for detail in result.details}
    return (
        bool(result.failure_dump_available)
        and bool(types & WITH_FAILURES)
        and not types & RUN_FAILURES
    )


def _take_result(task: Task, state: TaskState, task_id: str) -> Result:
    if task.result is not None:
        return task.result
    if state is TaskState.CANCELLED:
        return Result()
    raise ProtocolError(
        f"Task {task_id} is complete, but Anaplan tells no result.",
        written="Whether its rows are in the model is not known.",
        next_step="Compare the model with the last load: `ml-connector plan FLOW --against model`.",
    )


def _list_dumps(result: Result, default_id: str) -> Iterator[str]:
    for step in result.nested_results:
        yield from _list_dumps(step, "")
    if result.failure_dump_available and not result.nested_results:
        yield from filter(None, [result.object_id or default_id])


def _walk_details(result: Result) -> Iterator[Detail]:
    yield from result.details
    for step in result.nested_results:
        yield from _walk_details(step)


def _sum_counts(result: Result, keys: Iterable[str]) -> int | None:
    """Rows counted under any of the keys, summed over steps; None when nothing is told.

    Each line item of a module counts the same rows anew, so within one step the largest count
    stands.
    """
    names = tuple(keys)
    own = [
        count
        for detail in result.details
        for count in (detail.find_count(name) for name in names)
        if count is not None
    ]
    below = [_sum_counts(step, names) for step in result.nested_results]
    told = [max(own, default=None), *below]
    return sum(n for n in told if n is not None) if any(n is not None for n in told) else None


def _list_messages(result: Result) -> Iterator[str]:
    return (d.local_message_text for d in _walk_details(result) if d.local_message_text)


def _render_progress(task: Task) -> str:
    try:
        share = f"{float(task.progress):.0%}" if task.progress else ""
    except ValueError:
        share = ""
    return " ".join(filter(None, [task.current_step, share]))
