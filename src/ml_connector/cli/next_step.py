"""The command to type next after a run, by how it ended."""

from ml_connector.ports import RunRow, RunState


def find_next(row: RunRow, *, changes: int) -> str:
    """The sentence with the next command; empty when there is nothing to do."""
    summary, flow = row.summary, row.flow
    if row.state is RunState.PARTLY and summary.get("unmapped"):
        return f"see what no rule takes: `ml-connector unmapped list {flow}`"
    if row.state is RunState.PARTLY:
        return (
            "see what the model refused, with its journal lines:"
            f" `ml-connector runs lines {row.run_id} --refused`"
        )
    if row.state is RunState.UNTIED:
        return (
            f"look closer: `ml-connector reconcile {flow}`; when the model was edited or"
            f" restored: `ml-connector plan {flow} --against model`"
        )
    if row.state is RunState.MOVING:
        return f"the books move; run again when they rest: `ml-connector run {flow}`"
    if row.state is RunState.SUCCEEDED and summary.get("dry_run") and changes:
        return f"send it: `ml-connector run {flow}`"
    return ""
