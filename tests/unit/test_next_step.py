"""What a run says is to be typed next."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ml_connector.cli.next_step import find_next
from ml_connector.ports import Json, RunRow, RunState

AT = datetime(2026, 11, 3, tzinfo=UTC)


def _looked(request: Json) -> RunRow:
    return RunRow(
        run_id="261103-080000-0dd4", flow="actuals-fusion", kind="actuals", actor="anna",
        request={"dry_run": True} | request, state=RunState.SUCCEEDED, created_at=AT,
        finished_at=AT, summary={"dry_run": True}, error=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        ({}, ""),
        ({"against": "model"}, " --against model"),
        ({"month_first": "2026-10", "month_last": "2026-10"}, " --month 2026-10"),
        ({"month_first": "2026-01", "month_last": "2026-10"}, " --from 2026-01 --to 2026-10"),
        ({"periods": ["Oct-26", "Adj 26"]}, " --period Oct-26 --period 'Adj 26'"),
        ({"remap": True, "take": ["10005", "10017"]}, " --remap --take 10005 --take 10017"),
    ],
)
def test_hint_after_a_look_sends_what_was_looked_at(request_: Json, options: str) -> None:
    """The command that is offered asks for the scope that was shown, no wider and no other."""
    told = find_next(_looked(request_), changes=1)
    assert told == f"send it: `ml-connector run actuals-fusion{options}`"


def test_hint_after_a_look_shows_the_periods_that_changed_rules_reach() -> None:
    """Where a run would refuse the narrow scope, the wider look is offered."""
    row = replace(_looked({}), summary={"dry_run": True, "beyond": {"Sep 26": 3}})
    assert find_next(row, changes=1) == "see them: `ml-connector plan actuals-fusion --remap`"


def test_hint_after_a_look_is_left_out_when_nothing_would_change() -> None:
    """Who has nothing to send is offered no command."""
    assert find_next(_looked({}), changes=0) == ""
