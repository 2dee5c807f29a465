"""A process that is killed while a journal is on its way: found when it is looked for, once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SOURCE_ROOT, call_control
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import ORCHESTRATION, Amounts, BudgetDesk

from ml_connector.ports import PostingState, RunState

CHILD = Path(__file__).parents[1] / "faults" / "budget_child.py"
RUN = "261103-080000-dead"
HELD_S = 20
"""Seconds the server keeps the answer back; the process is dead long before."""
LOOKS_MAX, LOOK_S = 600, 0.05


def kill_when(desk: BudgetDesk, is_time: Callable[[], bool]) -> int:
    """A process runs the flow and is killed as soon as it is time; its exit code."""
    command = [
        sys.executable, str(CHILD), str(desk.root), desk.company.fusion,
        desk.clock.now().isoformat(), RUN,
    ]  # fmt: skip
    paths = os.pathsep.join((str(SOURCE_ROOT), str(CHILD.parents[2])))
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}) as process:
        try:
            for _ in range(LOOKS_MAX):
                if process.poll() is not None or is_time():
                    break
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=LOOK_S)
        finally:
            process.kill()
        desk.clock.at = read_clock(desk)
        return process.wait()


def read_clock(desk: BudgetDesk) -> datetime:
    """What time it is at the server, which the dead process moved."""
    return datetime.fromisoformat(call_control(desk.company.jde, "GET", "clock")["now"])


def count_fired(desk: BudgetDesk) -> int:
    """Requests that were spoiled so far."""
    found = call_control(desk.company.jde, "GET", "faults")
    return sum(rule["fired"] for rule in found["rules"])


@pytest.mark.long
@pytest.mark.parametrize("behaviour", ["plain", "unchecked"])
@pytest.mark.parametrize(
    ("fault", "arrived"),
    [({"kind": "delay", "effect": True}, True), ({"kind": "reset_before"}, False)],
    ids=["entered", "never arrived"],
)
def test_run_killed_right_after_the_journal_left_enters_it_once(
    fault: dict[str, Any],
    behaviour: str,
    budget_desk: BudgetDesk,
    approved: Amounts,
    *,
    arrived: bool,
) -> None:
    """Nobody heard the answer: the resume looks before it sends, and one document stands."""
    budget_desk.turn(orchestrationBehaviour=behaviour)
    budget_desk.spoil(path=ORCHESTRATION, delay_s=HELD_S, **fault)

    def has_left() -> bool:
        return count_fired(budget_desk) > 0 and bool(budget_desk.keyed()) is arrived

    killed = kill_when(budget_desk, has_left)
    [posting] = budget_desk.postings()
    left = budget_desk.keyed()
    row = budget_desk.resume(RUN)

    assert killed == -signal.SIGKILL
    assert posting.state is PostingState.OPEN
    assert list(left) == ([posting.posting_key] if arrived else [])
    assert row.state is RunState.SUCCEEDED
    assert unexplained(row) == {"0"}
    assert budget_desk.held() == approved
    assert [len(its) for its in budget_desk.keyed().values()] == [1, 1]
