"""Tasks as they are stored and shown."""

import random
from dataclasses import dataclass, field
from typing import Any

from ml_connector.sandbox.switches import Switches

KINDS = ("imports", "exports", "actions", "processes")
COMPETITOR = "competitor"
TERMINAL = frozenset({"COMPLETE", "CANCELLED"})
_OPTIONAL = ("type", "creationTime", "objectName", "details", "nestedResults", "currentStep")


@dataclass(slots=True, kw_only=True)
class Task:
    """One accepted start. `step_ends` are sandbox times at which each step is committed."""

    id: str
    model: str
    kind: str
    object_id: str
    user: str
    created_at: float
    number: int
    steps: list[str]
    mapping: list[dict[str, Any]] = field(default_factory=list)
    state: str = "NOT_STARTED"
    started_at: float = 0.0
    step_ends: list[float] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    cancel_at: float = 0.0
    ended_at: float = 0.0
    is_stuck: bool = False
    cancelled_by: str = ""

    @property
    def done(self) -> int:
        """How many steps have been committed."""
        return len(self.results)

    @property
    def is_over(self) -> bool:
        """The task will not change any more."""
        return self.state in TERMINAL

    def holds_model(self) -> bool:
        """The task has the model to itself at present."""
        return self.state in {"IN_PROGRESS", "CANCELLING"} and not self.is_stuck


def summary(task: Task) -> dict[str, Any]:
    """The task as task lists and the start show it."""
    return {
        "taskId": task.id,
        "taskState": task.state,
        "creationTime": int(task.created_at * 1000),
    }


def render_start(task: Task, switches: Switches) -> dict[str, Any]:
    """The body of the answer to a start, apart from the envelope.

    The task has not begun as far as this answer goes, even when the model was free.
    """
    shape = switches["task.post_shape"]
    if shape == "nested bare":
        return {"task": {"taskId": task.id}}
    return {"task": {**summary(task), "taskState": "NOT_STARTED"}}


def render_task(
    task: Task, switches: Switches, *, now: float, with_times: bool = False
) -> dict[str, Any]:
    """The task in full."""
    shown: dict[str, Any] = {
        "type": "taskInformation",
        **summary(task),
        "currentStep": _current_step(task),
        "progress": _progress(task, now),
    }
    if task.cancelled_by:
        shown["cancelledBy"] = task.cancelled_by
    if task.result is not None:
        shown["result"] = _shaped(task.result, task, switches)
        if with_times:
            _add_times(shown["result"]["nestedResults"], task)
    if switches["task.optional_fields"] == "minimal":
        return _minimal(shown)
    return shown


def _current_step(task: Task) -> str:
    if task.state == "COMPLETE":
        return "Complete." if (task.result or {}).get("successful", True) else "Failed."
    words = {"NOT_STARTED": "Waiting", "CANCELLING": "Cancelling", "CANCELLED": "Cancelled."}
    return words.get(task.state, "Processing ...")


def _progress(task: Task, now: float) -> float:
    if task.state == "COMPLETE":
        return 1.0
    if not task.step_ends:
        return 0.0
    whole = max(task.step_ends[-1] - task.started_at, 0.001)
    return round(min(max((now - task.started_at) / whole, 0.0), 0.99), 3)


def _shaped(result: dict[str, Any], task: Task, switches: Switches) -> dict[str, Any]:
    shaped = dict(result)
    if "details" in shaped:
        shaped["details"] = [_with_values(one, task, switches) for one in shaped["details"]]
    nested = shaped.get("nestedResults", [])
    shaped["nestedResults"] = [_shaped(one, task, switches) for one in nested]
    return shaped


def _with_values(detail: dict[str, Any], task: Task, switches: Switches) -> dict[str, Any]:
    flat = detail["values"]
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    if switches["task.values_nulls"] == "on":
        pairs.append(("serverAlert", None))
    if switches["task.values_order"] == "shuffled":
        random.Random(task.id).shuffle(pairs)
    return {**detail, "values": [text for pair in pairs for text in pair]}


def _add_times(nested: list[dict[str, Any]], task: Task) -> None:
    start = task.started_at
    for one, end in zip(nested, task.step_ends, strict=False):
        one["startTime"] = int(start * 1000)
        one["duration"] = int((end - start) * 1000)
        start = end


def _minimal(shown: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in shown.items() if key not in _OPTIONAL}
    if "result" in kept:
        kept["result"] = _minimal(kept["result"])
    return kept
