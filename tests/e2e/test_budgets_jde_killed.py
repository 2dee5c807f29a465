"""A process that is killed while a journal is on its way: found when it is looked for, once."""

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import call_control
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import ORCHESTRATION, Amounts, BudgetDesk
from tests.fakes.writing_desk import kill_when

from ml_connector.ports import PostingState, RunState

CHILD = Path(__file__).parents[1] / "faults" / "budget_child.py"
RUN = "261103-080000-dead"
HELD_S = 3_600
"""Seconds the server keeps the answer back; the process is dead long before."""


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

    company, now = budget_desk.company, budget_desk.clock.now().isoformat()
    command = [sys.executable, str(CHILD), str(budget_desk.root), company.fusion, now, RUN]
    killed = kill_when(command, has_left, clock=budget_desk.clock, url=company.jde)
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
