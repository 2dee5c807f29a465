"""What the history makes of a run that the engine brings again."""

import pytest

from ml_connector.errors import RefusedError
from ml_connector.flows.runs import NotResumableError
from ml_connector.ports import Records, RunState
from ml_connector.wiring.observer import RunHistory

FAULT = RefusedError("The import failed.", written="", next_step="")


def end_as(records: Records, state: RunState) -> None:
    """The run r1 has ended so; its process died before the engine heard of it."""
    records.runs.create_run(run_id="r1", flow="actuals", kind="F2", actor="kim", request={})
    records.runs.save_run("r1", state, error=FAULT.render_record())


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.BLOCKED, RunState.CANCELLED])
def test_run_that_has_failed_is_not_begun_again_by_itself(
    records: Records, state: RunState
) -> None:
    """A later run may have written; the failure stays as it was told, whatever else is begun."""
    history = RunHistory(records, None)
    end_as(records, state)
    before = records.runs.load_run("r1")
    with pytest.raises(NotResumableError, match=r"r1 (is|was)") as refused:
        history.run_started("r1")
    history.run_finished("r1", summary=None, error=refused.value)
    assert records.runs.load_run("r1") == before


def test_run_that_succeeded_is_told_again_beside_a_later_one(records: Records) -> None:
    """Its steps are done; it neither takes the flow nor turns into a failure."""
    history = RunHistory(records, None)
    end_as(records, RunState.SUCCEEDED)
    records.runs.create_run(run_id="r2", flow="actuals", kind="F2", actor="kim", request={})
    history.run_started("r1")
    assert records.runs.load_run("r1").state is RunState.SUCCEEDED
    history.run_finished("r1", summary={"state": "succeeded"}, error=None)
    assert records.runs.load_run("r1").state is RunState.SUCCEEDED


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.INTERRUPTED, RunState.UNKNOWN])
def test_run_that_has_not_ended_goes_on(records: Records, state: RunState) -> None:
    """Whether it waited, was taken over or was resumed."""
    records.runs.create_run(run_id="r1", flow="actuals", kind="F2", actor="kim", request={})
    records.runs.save_run("r1", state)
    RunHistory(records, None).run_started("r1")
    assert records.runs.load_run("r1").state is RunState.RUNNING
