"""How a finished task is classified, by flags, counters and types alone."""

import json
from typing import Any

import pytest

from ml_connector.errors import ProtocolError
from ml_connector.ports import LoadOutcome, TaskResult, TaskState
from ml_connector.systems.anaplan import wire
from ml_connector.systems.anaplan.outcomes import map_task

OK, IGNORED = LoadOutcome.OK, LoadOutcome.IGNORED
PARTIAL, FAILED = LoadOutcome.PARTIAL, LoadOutcome.FAILED
ROWS = "lineItemRowsProcessed"
LOSSES = "lineItemRowsProcessedWithFailures"


def leaf(flags: str, *details: tuple[str, dict[str, int]], **more: Any) -> dict[str, Any]:
    """A result: `yes`, `no` or `null` for its success, with `, dump` where it left one."""
    flat = [
        {"type": kind, "values": [part for k, v in counts.items() for part in (k, str(v))]}
        for kind, counts in details
    ]
    word, _, dump = flags.partition(", ")
    successful = {"yes": True, "no": False, "null": None}[word]
    return {"successful": successful, "failureDumpAvailable": bool(dump), "details": flat} | more


def classify(result: dict[str, Any] | None, state: str = "COMPLETE") -> TaskResult:
    """The task that carries the result, as the flows see it."""
    body = {"task": {"taskId": "AB1", "taskState": state, "progress": 0.25, "result": result}}
    raw = json.dumps(body).encode()
    return map_task(wire.parse_task(raw), asked_id="AB1", action_id="112000000001", raw=raw)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (leaf("yes"), OK),
        (leaf("yes", (ROWS, {"failedCount": 0, "ignoredCount": 0})), OK),
        (leaf("yes", ("hierarchyNoChanges", {})), OK),
        (leaf("yes", ("neverHeardOf", {"failedCount": 0})), OK),
        (leaf("yes", (ROWS, {"ignoredCount": 5})), IGNORED),
        (leaf("yes, dump"), PARTIAL),
        (leaf("yes, dump", (ROWS, {"ignoredCount": 5})), PARTIAL),
        (leaf("yes", (ROWS, {"failedCount": 1})), PARTIAL),
        (leaf("yes", (ROWS, {"warningsRowCount": 1})), PARTIAL),
        (leaf("yes", (LOSSES, {})), PARTIAL),
        (leaf("yes", ("moduleImportNumberFormat", {})), PARTIAL),
        (leaf("no"), FAILED),
        (leaf("null"), FAILED),
        (leaf("no", ("missingFields", {})), FAILED),
        (leaf("no, dump"), FAILED),
        (leaf("no, dump", (LOSSES, {"failedCount": 3})), PARTIAL),
        (leaf("no, dump", (LOSSES, {}), ("hierarchyImportDuplicateSourceKey", {})), FAILED),
    ],
)
def test_result_is_classified_by_flags_counters_and_types(
    result: dict[str, Any], outcome: LoadOutcome
) -> None:
    """A dump, failed rows or a failure type make a success partial; unknown types nothing."""
    assert classify(result).outcome is outcome


@pytest.mark.parametrize(
    ("top", "steps", "outcome"),
    [
        ("yes", [leaf("yes"), leaf("yes")], OK),
        ("no", [leaf("yes"), leaf("yes")], IGNORED),
        ("no", [leaf("yes", (ROWS, {"ignoredCount": 2}))], IGNORED),
        ("no", [leaf("yes"), leaf("yes, dump")], PARTIAL),
        ("yes", [leaf("yes"), leaf("yes, dump")], PARTIAL),
        ("no", [leaf("yes, dump"), leaf("no")], FAILED),
        ("yes", [leaf("yes"), leaf("no")], FAILED),
    ],
)
def test_process_is_classified_by_its_steps(
    top: str, steps: list[dict[str, Any]], outcome: LoadOutcome
) -> None:
    """The top flag alone never fails a process; the worst step decides."""
    assert classify(leaf(top, nestedResults=steps)).outcome is outcome


def test_message_texts_are_not_looked_at() -> None:
    """A success stays one whatever its localised text says."""
    result = leaf("yes", (ROWS, {"ignoredCount": 0}))
    result["details"][0]["localMessageText"] = "2 failed, 5 ignored, fehlgeschlagen"
    found = classify(result)
    assert found.outcome is OK
    assert found.messages == ("2 failed, 5 ignored, fehlgeschlagen",)


def test_counts_add_up_over_steps() -> None:
    """Line items count the same rows, so the largest stands; steps add up; untold is not zero."""
    first = leaf("yes", (ROWS, {"failedCount": 1, "ignoredCount": 2}))
    second = leaf("yes", (ROWS, {"failedCount": 3}), (ROWS, {"failedCount": 4}))
    found = classify(leaf("yes", nestedResults=[first, second]))
    assert (found.rows_failed, found.rows_ignored) == (5, 2)
    assert (classify(leaf("yes")).rows_failed, classify(leaf("yes")).rows_ignored) == (None, None)


def test_dumps_are_named_by_the_object_that_left_them() -> None:
    """An import's dump is its own; a process names each step that left one, once."""
    assert classify(leaf("yes, dump")).dump_object_ids == ("112000000001",)
    steps = [
        leaf("yes, dump", objectId="112000000002"),
        leaf("yes", objectId="112000000003"),
        leaf("yes, dump", objectId="112000000002"),
        leaf("yes, dump", objectId="112000000004"),
    ]
    found = classify(leaf("no, dump", nestedResults=steps))
    assert found.dump_object_ids == ("112000000002", "112000000004")


def test_cancelled_task_needs_no_result() -> None:
    """A cancelled task is terminal, with or without a result."""
    assert classify(None, "CANCELLED").outcome is LoadOutcome.CANCELLED
    found = classify(leaf("no, dump", objectId="112000000002"), "CANCELLED")
    assert found.outcome is LoadOutcome.CANCELLED
    assert found.dump_object_ids == ("112000000002",)


def test_complete_task_without_result_is_refused() -> None:
    """Complete says nothing about data, so a missing result is never taken for a success."""
    with pytest.raises(ProtocolError, match="AB1"):
        classify(None)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("NOT_STARTED", TaskState.WAITING),
        ("IN_PROGRESS", TaskState.RUNNING),
        ("CANCELLING", TaskState.RUNNING),
        ("ON_HOLD", TaskState.RUNNING),
        ("FAILED", TaskState.RUNNING),
        ("", TaskState.RUNNING),
    ],
)
def test_unknown_states_count_as_running(word: str, state: TaskState) -> None:
    """Only the two words the vendor documents end a task."""
    found = classify(leaf("no"), word)
    assert found.state is state
    assert found.outcome is None
    assert not found.is_terminal
    assert found.progress == "25%"


def test_whole_answer_is_kept() -> None:
    """The bytes as they came travel with the result."""
    assert json.loads(classify(leaf("yes")).raw)["task"]["taskId"] == "AB1"
