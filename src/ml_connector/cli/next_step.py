"""The command to type next after a run, by how it ended."""

import shlex
from collections.abc import Callable, Iterator

from ml_connector.ports import Json, RunRow, RunState

Tell = Callable[[RunRow], str]


def find_next(row: RunRow, *, changes: int) -> str:
    """The sentence with the next command; empty when there is nothing to do."""
    if row.summary.get("planned") and row.state in (RunState.PARTLY, RunState.UNTIED):
        return f"see what became of each: `ml-connector postings list --flow {row.flow}`"
    if "suppliers" in row.summary and row.state is RunState.PARTLY:
        return f"mend the rows in the model, or look again: `ml-connector plan {row.flow}`"
    if "journals" in row.summary and row.state in (RunState.PARTLY, RunState.UNTIED):
        return f"see what became of each journal: `ml-connector postings list --flow {row.flow}`"
    if row.summary.get("dry_run") and row.summary.get("beyond"):
        return f"see them: `ml-connector plan {row.flow} --remap`"
    if row.state is RunState.SUCCEEDED and row.summary.get("dry_run") and changes:
        return f"send it: `{' '.join(('ml-connector run', row.flow, *_ask_alike(row.request)))}`"
    tell = _BY_STATE.get(row.state)
    return tell(row) if tell else ""


def _ask_alike(request: Json) -> Iterator[str]:
    """The options of `run` that ask for what was looked at, no wider."""
    first, last = request.get("month_first"), request.get("month_last")
    if first:
        yield f"--month {first}" if first == last else f"--from {first} --to {last}"
    yield from (f"--period {shlex.quote(period)}" for period in request.get("periods", ()))
    if request.get("remap"):
        yield "--remap"
    if request.get("against"):
        yield f"--against {request['against']}"
    yield from (f"--take {shlex.quote(code)}" for code in request.get("take", ()))


def _after_partly(row: RunRow) -> str:
    if "lists" in row.summary:
        return f"mend what is told, in the model or at the source: `ml-connector run {row.flow}`"
    if row.summary.get("unmapped"):
        return f"see what no rule takes: `ml-connector unmapped list {row.flow}`"
    return (
        "see what the model refused, with its journal lines:"
        f" `ml-connector runs lines {row.run_id} --refused`"
    )


def _after_untied(row: RunRow) -> str:
    if "lists" in row.summary:
        return f"look which members are missing in the model, then: `ml-connector run {row.flow}`"
    return (
        f"look closer: `ml-connector reconcile {row.flow}`; when the model was edited or"
        f" restored: `ml-connector plan {row.flow} --against model`"
    )


def _after_moving(row: RunRow) -> str:
    return f"the books move; run again when they rest: `ml-connector run {row.flow}`"


def _after_asking(row: RunRow) -> str:
    plan = row.summary["plan_hash"][:12]
    return f"somebody else looks and decides: `ml-connector approvals show {plan}`"


_BY_STATE: dict[RunState, Tell] = {
    RunState.PARTLY: _after_partly,
    RunState.UNTIED: _after_untied,
    RunState.MOVING: _after_moving,
    RunState.WAITING_APPROVAL: _after_asking,
}
