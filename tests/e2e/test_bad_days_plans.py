"""What plans, guards, rules, periods and this machine itself refuse, from end to end."""

import errno
import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.archive.errors import ArchiveFullError
from ml_connector.archive.store import NewFile
from ml_connector.domain.money import TooManyDecimalsError, TooManyDigitsError
from ml_connector.domain.plan import PlanGuardError
from ml_connector.engine.errors import EngineBusyError
from ml_connector.errors import BusyError, ConnectorError
from ml_connector.flows.ledger.scope import (
    NoSuchPeriodError,
    OutOfTimeRangeError,
    PeriodNotReadableError,
)
from ml_connector.flows.placing.remapping import MappingReachError
from ml_connector.flows.planning.plans import StalePlanError, UnknownPlanError
from ml_connector.ports import RunState
from ml_connector.wiring import open_house

ALL_BUT_68990 = (
    "entity,entity=*,{entity}",
    "account,account=10000..68980,{account}",
    "account,account=68991..99999,{account}",
    "cost_centre,cost_centre=*,{cost_centre}",
)
CREDITORS, FREIGHT = "101.00.22100.000.000.000", "101.10.68010.120.000.000"


def unexplained(run: Any) -> set[str]:
    """The unexplained amounts of a run's tie-out."""
    return {row["unexplained"] for row in run.summary["tie_out"]}


def times(cells: dict[str, str]) -> set[str]:
    """The planning periods of cells."""
    return {json.loads(key)["Time"] for key in cells}


def post(office: Any, amount: str, *, period: str = "Oct-26") -> int:
    """The id of a posted batch of one balanced journal."""
    lines = [
        {"combination": FREIGHT, "debit": amount},
        {"combination": CREDITORS, "credit": amount},
    ]
    journal = {"ledger": "Halden US", "period": period, "lines": lines}
    form = {"name": f"{period} {amount}", "journals": [journal], "allow_closed": True}
    return int(office.company.erp("create_batch", **form)["JeBatchId"])


def saved_plan(run: Any) -> dict[str, Any]:
    """What `apply` is asked with, as the plan's file tells it."""
    summary = run.summary
    return {
        "apply": summary["plan_hash"], "members": summary["periods"], "totals": summary["plan"],
    }  # fmt: skip


# --- unmapped lines ------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_unmapped_account_holds_its_period_back_and_lets_the_others_go(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A line no rule takes blocks its planning period alone; a rule for it heals the next run."""
    office.map(*ALL_BUT_68990)
    office.company.erp("late_journals", periods=[["Halden US", "Oct-26"]])

    run = office.run()
    cells_then = office.company.cells()
    office.map(*ALL_BUT_68990, "account,account=68990,68010")
    healed = office.run()

    assert run.state is RunState.PARTLY
    assert run.summary["unmapped"] == {"Oct 26": 1}
    assert cells_then == {k: v for k, v in quiet_cells.items() if "Oct 26" not in k}
    assert unexplained(run) == {"0"}
    assert healed.state is RunState.SUCCEEDED
    assert healed.summary["periods"] == ["Oct 26"]
    assert unexplained(healed) == {"0"}
    assert times(office.company.cells()) == times(quiet_cells)
    assert len(office.tasks()) == 2


@pytest.mark.exhaustive
def test_unmapped_account_goes_to_suspense_where_the_flow_says_so(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """With a suspense member the period is loaded, and the amount stands there, tied out."""
    office.map(*ALL_BUT_68990)
    office.company.model("add_items", list="Accounts", items=[{"code": "SUSPENSE"}])
    suspense = {"entity": "101", "account": "SUSPENSE", "cost_centre": "120"}
    office.change(unmapped="suspense", suspense=suspense)
    office.company.erp("late_journals", periods=[["Halden US", "Oct-26"]])

    run = office.run()

    held = {k: v for k, v in office.company.cells().items() if "SUSPENSE" in k}
    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert [Decimal(value) for value in held.values()] == [Decimal("4812.35")]
    assert json.loads(next(iter(held)))["Time"] == "Oct 26"
    assert len(office.company.cells()) > len(quiet_cells)


@pytest.mark.exhaustive
def test_changed_rule_does_not_move_other_periods_in_silence(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A rule that also moves loaded periods is refused with their names until it is asked for."""
    office.run()
    office.map(
        "entity,entity=*,{entity}", "account,account=68010,68020", "account,account=*,{account}",
        "cost_centre,cost_centre=*,{cost_centre}",
    )  # fmt: skip

    error, run = office.fail(office.run)
    cells_then = office.company.cells()
    healed = office.run(remap=True)

    assert isinstance(error, MappingReachError)
    assert error.exit_code == 5
    assert "Sep 26" in error.refused
    assert "--remap" in error.next_step
    assert run.state is RunState.BLOCKED
    assert cells_then == quiet_cells
    assert healed.state is RunState.SUCCEEDED
    assert unexplained(healed) == {"0"}
    assert not any(json.loads(key)["Accounts"] == "68010" for key in office.company.cells())


# --- periods -------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", ["Adj-26", "Dec-26"])
def test_period_that_was_never_opened_stops_the_run(period: str, office: Any) -> None:
    """Nothing can be posted there yet, so whoever asks for it has mistyped or is too early."""
    error, run = office.fail(office.run, periods=[period])

    assert isinstance(error, PeriodNotReadableError)
    assert f"Halden US {period}" in error.refused
    assert run.state is RunState.FAILED
    assert office.tasks() == []
    assert office.company.cells() == {}


def test_unknown_period_is_told_with_those_there_are(office: Any) -> None:
    """A period no ledger has is a mistyped command."""
    error, _ = office.fail(office.run, periods=["Okt-26"])

    assert isinstance(error, NoSuchPeriodError)
    assert error.exit_code == 2
    assert "'Okt-26'" in error.refused
    assert "--month 2026-10" in error.next_step


def test_period_outside_the_time_range_of_the_model_stops_the_run(office: Any) -> None:
    """A period the model has no place for is told with the range the model has."""
    office.change(periods={"pattern": "%b %Y", "adjustment": "fold-into-last"})

    error, run = office.fail(office.run)

    assert isinstance(error, OutOfTimeRangeError)
    assert "Sep 2026" in error.refused
    assert "it runs from" in error.refused
    assert run.state is RunState.FAILED
    assert office.company.cells() == {}
    assert office.tasks() == []


@pytest.mark.exhaustive
def test_closed_period_is_the_normal_case(office: Any, quiet_cells: dict[str, str]) -> None:
    """Actuals are loaded after the close; a close in the meantime changes nothing."""
    office.company.erp("set_period_status", ledger="Halden US", period="Nov-26", status="C")
    office.company.erp("set_period_status", ledger="Halden US", period="Sep-26", status="P")

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


# --- amounts a cell cannot hold ------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("amount", "kind"),
    [("1234567890123456.78", TooManyDigitsError), ("10.005", TooManyDecimalsError)],
)
def test_amount_a_cell_cannot_hold_is_refused_before_anything_is_sent(
    amount: str, kind: type[ConnectorError], office: Any, quiet_cells: dict[str, str]
) -> None:
    """A cell is a double of 15 digits at the currency's scale; what does not fit is never sent."""
    batch = post(office, amount)

    error, run = office.fail(office.run)
    cells_then, tasks_then = office.company.cells(), office.tasks()
    office.company.erp("delete_batch", JeBatchId=batch, force=True)
    healed = office.run()

    assert isinstance(error, kind)
    assert error.exit_code == 1
    assert "Oct 26" in error.refused
    assert "USD" in error.refused
    assert run.state is RunState.FAILED
    assert (cells_then, tasks_then) == ({}, [])
    assert healed.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


# --- plans and guards ----------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_saved_plan_is_applied_exactly(office: Any, quiet_cells: dict[str, str]) -> None:
    """A plan that nothing has moved since is loaded as it was shown."""
    plan = office.run(dry_run=True)
    cells_then, tasks_then = office.company.cells(), office.tasks()

    applied = office.run(**saved_plan(plan))

    assert (cells_then, tasks_then) == ({}, [])
    assert applied.state is RunState.SUCCEEDED
    assert applied.summary["plan_hash"] == plan.summary["plan_hash"]
    assert applied.summary["cells"] == plan.summary["cells"]
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_plan_the_ledger_has_moved_away_from_is_refused_as_stale(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A posting after the plan makes it another plan: it is refused, and a new one is wanted."""
    plan = office.run(dry_run=True)
    batch = post(office, "12.50")

    error, run = office.fail(office.run, **saved_plan(plan))
    cells_then = office.company.cells()
    office.company.erp("delete_batch", JeBatchId=batch, force=True)
    applied = office.run(**saved_plan(office.run(dry_run=True)))

    assert isinstance(error, StalePlanError)
    assert error.exit_code == 5
    assert plan.summary["plan_hash"][:12] in error.refused
    assert "plan actuals-fusion --out" in error.next_step
    assert run.state is RunState.BLOCKED
    assert cells_then == {}
    assert applied.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_plan_that_was_loaded_already_is_refused_as_stale(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A plan is applied once: the second time the model has been told already."""
    plan = office.run(dry_run=True)
    office.run(**saved_plan(plan))

    error, run = office.fail(office.run, **saved_plan(plan))

    assert isinstance(error, StalePlanError)
    assert run.state is RunState.BLOCKED
    assert len(office.tasks()) == 1
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
@pytest.mark.parametrize("edit", ["hash", "periods", "totals"])
def test_edited_plan_file_is_refused(edit: str, office: Any) -> None:
    """What people approve is what the file tells: any change to it makes it another plan."""
    request = saved_plan(office.run(dry_run=True))
    if edit == "hash":
        request["apply"] = "0" * 64
    if edit == "periods":
        request["members"] = request["members"][:1]
    if edit == "totals":
        request["totals"]["USD"]["amount_moved"] = "1"

    error, run = office.fail(office.run, **request)

    assert isinstance(error, UnknownPlanError)
    assert error.exit_code == 5
    assert "edited" in error.refused
    assert run.state is RunState.BLOCKED
    assert office.company.cells() == {}
    assert office.tasks() == []


@pytest.mark.exhaustive
def test_every_tripped_guard_is_told_and_an_approved_plan_passes(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Guards hold a run back with counts and amounts; a plan that was looked at passes."""
    office.change(guards={"cells_max": 10, "amount_moved_max": "1000"})

    error, run = office.fail(office.run)
    cells_then = office.company.cells()
    applied = office.run(**saved_plan(office.run(dry_run=True)))

    assert isinstance(error, PlanGuardError)
    assert error.exit_code == 5
    assert f"{len(quiet_cells):,} cells would be sent, cells_max allows 10" in error.refused
    assert "amount_moved_max allows 1,000 USD" in error.refused
    assert "apply" in error.next_step
    assert run.state is RunState.BLOCKED
    assert cells_then == {}
    assert applied.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_blocked_run_goes_on_once_its_guard_is_changed(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A guard is looked at again on a resume, with the flow as it is by then."""
    office.change(guards={"cells_max": 10})
    _, blocked = office.fail(office.run)
    office.change(guards={"cells_max": 10_000})

    run = office.resume(blocked.run_id)

    assert run.run_id == blocked.run_id
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_mass_change_is_held_back(office: Any, quiet_cells: dict[str, str]) -> None:
    """A rule that moves every cell at once trips the ratio guard, even when it was asked for."""
    office.run()
    office.change(guards={"cells_ratio_max": "0.25", "vanished_ratio_max": "0.10"})
    office.map(
        "entity,entity=*,{entity}", "account,account=*,{account}",
        "cost_centre,cost_centre=*,110",
    )  # fmt: skip

    error, run = office.fail(office.run, remap=True)

    assert isinstance(error, PlanGuardError)
    assert "cells_ratio_max allows 25" in error.refused
    assert "vanished_ratio_max allows 10" in error.refused
    assert run.state is RunState.BLOCKED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


# --- this machine --------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_full_disk_stops_the_run_and_a_resume_goes_on(
    office: Any, quiet_cells: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is told with the folder; nothing is half-stored, and space is all it takes."""

    def fill_up(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(NewFile, "write", fill_up)
        error, stopped = office.fail(office.run)
    run = office.resume(stopped.run_id)

    assert isinstance(error, ArchiveFullError)
    assert error.exit_code == 8
    assert str(office.root / ".state" / "archive") in error.refused
    assert stopped.state is RunState.FAILED
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_second_process_is_refused_and_told_who_works(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """While one process runs the engine of a project another may look, but not run."""
    command = [sys.executable, "-m", "ml_connector", "run", "actuals-fusion"]
    command += ["--project", str(office.root)]
    with open_house(office.root, clock=office.clock) as house:
        assert house.engine is not None
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        with pytest.raises(EngineBusyError), open_house(office.root) as other:
            other.run("actuals-fusion", {})
    run = office.run()

    assert second.returncode == BusyError.exit_code
    assert f"process {os.getpid()} on" in second.stderr
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_unfinished_run_keeps_a_second_one_of_its_flow_out(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """An interrupted run is named to whoever starts another; resumed or cancelled it makes way."""
    with open_house(office.root, clock=office.clock) as house:
        house.records.runs.create_run(
            run_id="earlier", flow="actuals-fusion", kind="actuals", actor="somebody", request={}
        )

    error, _ = office.fail(office.run)
    with open_house(office.root, clock=office.clock) as house:
        house.cancel("earlier")
    run = office.run()

    assert isinstance(error, BusyError)
    assert "earlier" in error.refused
    assert "runs resume earlier" in error.next_step
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
