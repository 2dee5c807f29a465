"""A run in words on the command line."""

from datetime import UTC, datetime

import pytest

from ml_connector.cli.report import tell_run
from ml_connector.ports import Json, RunRow, RunState

AT = datetime(2026, 11, 3, tzinfo=UTC)
SUMMARY: Json = {
    "flow": "actuals-fusion", "dry_run": False, "cells": 0, "loaded": False, "plan": {},
    "plan_by_period": {}, "unmapped": {}, "tie_out": [], "erp_differences": [], "differences": [],
}  # fmt: skip


def _tell(
    summary: Json, state: RunState, capsys: pytest.CaptureFixture[str], **request: bool
) -> str:
    row = RunRow(
        run_id="261103-080000-0dd4", flow="actuals-fusion", kind="actuals", actor="anna",
        request=request, state=state, created_at=AT, finished_at=AT, summary=SUMMARY | summary,
        error=None,
    )  # fmt: skip
    tell_run(row, "text")
    return capsys.readouterr().err


def test_comparison_says_that_nothing_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Cells that it found to be sent are no cells that it sent."""
    told = _tell({"cells": 719}, RunState.SUCCEEDED, capsys, reconcile=True)

    assert "compared only" in told
    assert "719 cells are still to be sent; nothing was." in told


def test_differences_that_are_not_shown_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Each difference is its own sentence; a list that was cut says how many there are."""
    differences = [{"sentence": "101 / 68010: summed 998.70 USD, the model holds 0.00 USD."}]

    whole = _tell({"differences": differences, "differences_count": 1}, RunState.UNTIED, capsys)
    cut = _tell({"differences": differences, "differences_count": 186}, RunState.UNTIED, capsys)

    assert differences[0]["sentence"] in whole
    assert "Shown are" not in whole
    assert "Shown are 1 of 186 differences" in cut


def test_changed_rules_that_reach_further_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The periods and cells that a run would stop for stand in its look."""
    beyond = {f"{month} 26": 2 for month in ("Jan", "Feb", "Mar", "Apr", "May", "Jun")}

    told = _tell({"dry_run": True, "beyond": beyond}, RunState.SUCCEEDED, capsys)

    assert "would move 12 cells of 6 other loaded periods" in told
    assert "Jan 26, Feb 26, Mar 26, Apr 26, May 26, …" in told
    assert "plan actuals-fusion --remap`" in told
