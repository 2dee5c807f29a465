"""Stopping a run that is executed: somebody asks, and its execution leaves before its next step."""

from ml_connector.errors import RunInterruptedError, UsageError
from ml_connector.ports import Records, RunRow


class NotExecutedError(UsageError):
    """A run that nobody executes cannot be stopped."""

    code = "runs.not-executed"

    def __init__(self, run: RunRow) -> None:
        is_over = run.finished_at is not None
        super().__init__(
            f"The run {run.run_id} of flow {run.flow} is {run.state}; only one that is running is"
            " stopped.",
            written="Nothing was changed.",
            next_step="List the runs: `ml-connector runs list`."
            if is_over
            else f"Put it away: `ml-connector runs cancel {run.run_id}`.",
            run_id=run.run_id,
        )


class StoppedByPersonError(RunInterruptedError):
    """Somebody has stopped the run; nobody goes on with it unasked."""

    code = "runs.stopped"

    def __init__(self, run_id: str, *, step: str, asked_by: str) -> None:
        super().__init__(
            f"{asked_by} stopped run {run_id} before its step {step!r}.",
            written="What its finished steps have written stays; the step and what follows it were"
            " not begun. A write that has no answer yet is asked about before anything is sent.",
            next_step=f"Go on: `ml-connector runs resume {run_id}`; or put it away:"
            f" `ml-connector runs cancel {run_id}`.",
            run_id=run_id,
        )


def ask_to_stop(records: Records, run_id: str, *, actor: str) -> RunRow:
    """The run is to end before its next step, whoever executes it.

    Raises:
        NotExecutedError: It is not running.
    """
    run = records.runs.load_run(run_id)
    with records.transactions.begin(f"the wish that run {run.run_id} stop"):
        if not records.runs.save_stop_wish(run.run_id, actor=actor):
            raise NotExecutedError(records.runs.load_run(run.run_id))
        records.audit.record("run.stop-asked", subject=run.flow, actor=actor, run_id=run.run_id)
    return records.runs.load_run(run.run_id)


def verify_may_go_on(records: Records, run_id: str, step: str) -> None:
    """Nobody has asked the run to stop.

    Raises:
        StoppedByPersonError: Somebody has.
    """
    asked_by = records.runs.load_run(run_id).stop_asked_by
    if asked_by:
        raise StoppedByPersonError(run_id, step=step, asked_by=asked_by)
