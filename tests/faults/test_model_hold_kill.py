"""A command on SQLite killed in the midst of a load: who wants its model at once is told or served.

Nobody waits for a lease of the dead, and nothing is started beside a task that may still run.
"""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ACTUALS
from tests.fakes.children import find_environment

from ml_connector.errors import BusyError
from ml_connector.ports import RunState
from ml_connector.wiring import open_house

CHILD = Path(__file__).with_name("hold_child.py")
RUN = "261122-060000-dead"
MEMBERS = "dimensions-fusion"
TASK_S = 120
KILLED = 137


def kill_at(office: Any, call: str) -> None:
    """A run of the actuals has died there; by then there is a new account for the model."""
    done = subprocess.run(
        [
            sys.executable, str(CHILD), str(office.root), office.company.fusion,
            office.clock.now().isoformat(), call, RUN, ACTUALS,
        ],
        capture_output=True, text=True, check=False, env=find_environment(),
    )  # fmt: skip
    assert done.returncode == KILLED, done.stderr[-3000:]
    office.company.erp("late_journals", periods=[["Halden US", "Oct-26"]])


@pytest.mark.long
def test_next_run_on_the_model_waits_out_the_task_of_a_killed_command(office: Any) -> None:
    """Not for its lease: members are loaded as soon as the task is over, and the run goes on."""
    office.company.turn(office.company.anaplan, **{"task.base_s": TASK_S})
    kill_at(office, "read_task")
    at = office.clock.now()

    members = office.run(MEMBERS)

    assert members.state is RunState.SUCCEEDED
    assert office.clock.now() - at >= timedelta(seconds=TASK_S)
    run = office.resume(RUN)
    assert run.state is RunState.SUCCEEDED
    assert {row["unexplained"] for row in run.summary["tie_out"]} == {"0"}
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
@pytest.mark.long
def test_next_run_on_the_model_is_told_the_way_out_of_an_unknown_start(office: Any) -> None:
    """Nothing is uploaded beside a task that may be reading; the resume it names settles it."""
    kill_at(office, "submit_task")

    error, refused = office.fail(office.run, MEMBERS)

    assert isinstance(error, BusyError)
    assert f"ml-connector runs resume {RUN}" in error.next_step
    assert refused.state is RunState.FAILED
    assert office.resume(RUN).state is RunState.SUCCEEDED
    assert len(office.tasks()) == 1
    assert office.run(MEMBERS).state is RunState.SUCCEEDED
    with open_house(office.root, clock=office.clock) as house:
        house.records.audit.verify()
