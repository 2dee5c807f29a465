"""What the flow owes its model stays owed until the model holds it."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.desk import FakeDesk, make_flow
from tests.fakes.ledger import line
from tests.fakes.steps import Crash

from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import ActionKind, RunState

MakeDesk = Callable[..., FakeDesk]
DAY = 86_400


def test_reconcile_leaves_what_it_did_not_send_owed(desk: FakeDesk) -> None:
    """A run that only compares settles no period whose planned cells nobody sent."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "7"))

    compared = desk.run(reconcile=True)
    loaded = desk.run()

    assert compared["cells"] == 1
    assert desk.target.total("4000") == "107.00"
    assert loaded["cells"] == 1


def test_resumed_run_leaves_what_another_flow_has_read_meanwhile_owed(desk: FakeDesk) -> None:
    """A run settles what it has summed; a revision read since then by another flow stays owed."""
    other = desk.beside(make_flow("other"))
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()

    def stop_after_summing(name: str) -> None:
        if name == "plan: save":
            raise Crash

    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "7"))
    with pytest.raises(Crash):
        desk.run(after_body=stop_after_summing)
    desk.source.post("3", line(1, "US", "09-26", "101.4000.10", "0.5"))
    other.run()
    desk.steps["actuals-2"].after_body = lambda _: None
    desk.resume("actuals-2")
    desk.run()

    assert other.target.total("4000") == "107.50"
    assert desk.target.total("4000") == "107.50"


def test_first_load_of_one_period_leaves_the_others_owed(desk: FakeDesk) -> None:
    """Whoever begins with one period gets the others by the next run that names none."""
    desk.source.post("1", line(1, "US", "08-26", "101.4000.10", "1"))
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "2"))

    desk.run(periods=["09-26"])
    desk.run()

    assert desk.target.total("Sep 26") == "2.00"
    assert desk.target.total("Aug 26") == "1.00"


def test_period_held_back_by_the_first_load_stays_owed(desk: FakeDesk) -> None:
    """A period whose lines no rule mapped is loaded once a rule does, though nothing was posted."""
    desk.rules = ("entity,,{entity},,,,", "account,account=4000,4000,,,,")
    desk.source.post("1", line(1, "US", "08-26", "101.5000.10", "1"))
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "2"))

    first = desk.run()
    desk.rules = ("entity,,{entity},,,,", "account,,{account},,,,")
    desk.run()

    assert first["state"] == "partly succeeded"
    assert desk.target.total("Aug 26") == "1.00"


def test_ledger_added_to_a_flow_brings_all_its_periods(make_desk: MakeDesk) -> None:
    """A flow that takes one ledger more loads that ledger from the first month on."""
    desk = make_desk(ledgers=["US", "CA"])
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "CA", "09-26", "102.4000.10", "7"))
    desk.change(ledgers=("US",))
    desk.run()
    desk.clock.sleep(DAY)
    desk.run()

    desk.change(ledgers=("US", "CA"))
    desk.run()

    assert desk.target.total("102", "Sep 26") == "7.00"


def test_earlier_first_month_brings_the_earlier_periods(make_desk: MakeDesk) -> None:
    """A flow whose first month moves back loads the months in between."""
    desk = make_desk(first_month="2026-09")
    desk.source.post("1", line(1, "US", "08-26", "101.4000.10", "1"))
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "2"))
    desk.run()

    desk.change(first_month="2026-08")
    desk.run()

    assert desk.target.total("Aug 26") == "1.00"


def test_month_in_which_one_ledger_is_quiet_is_loaded(make_desk: MakeDesk) -> None:
    """In the first days of a month some ledgers have posted and others have not."""
    desk = make_desk(ledgers=["US", "CA"])
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "CA", "09-26", "102.4000.10", "7"))
    desk.run()
    desk.clock.sleep(DAY)
    desk.source.post("3", line(1, "US", "10-26", "101.4000.10", "1"))

    summary = desk.run()

    assert summary["state"] == "succeeded"
    assert desk.target.total("Oct 26") == "1.00"


def test_run_that_loses_sight_of_its_task_keeps_its_flow(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task was started and could not be followed: only the same run may go on."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "5"))
    kind = type(desk.target)
    read_task = kind.read_task

    def down(target: Any, action: Any, task_id: str) -> Any:
        if action.kind is not ActionKind.EXPORT:
            raise SystemUnavailableError("down", written="?", next_step="?")
        return read_task(target, action, task_id)

    with monkeypatch.context() as patched:
        patched.setattr(kind, "read_task", down)
        with pytest.raises(SystemUnavailableError):
            desk.run()

    (run,) = desk.records.runs.load_runs(flow="actuals")
    assert run.state is RunState.INTERRUPTED
    assert desk.target.starts.count("112") == 1


def test_archive_knows_the_run_that_read_a_batch_and_a_period(desk: FakeDesk) -> None:
    """A line's way begins with the run that read it; late lines name the later run."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "5"))
    desk.run()
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "7"))
    desk.run()

    first, second = (desk.records.batches.load_revisions("erp", one) for one in ("1", "2"))
    runs = [run.run_id for run in reversed(desk.records.runs.load_runs(flow="actuals"))]
    assert [first[0].run_id, second[0].run_id] == runs
