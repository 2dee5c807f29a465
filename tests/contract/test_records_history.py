"""Old history goes in bounded portions; what is open, new or proves something stays."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.contract.conftest import START, Move

from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.flows.alerting.forgetting import PORTION, forget_history
from ml_connector.ports import Check, CheckState, Clock, Records
from ml_connector.ports.alerts import DeliveryKind, NewAlert, NewDelivery
from ml_connector.ports.connections import ConnectionTest
from ml_connector.ports.schedules import FiringRow, FiringState

DAYS = 400
DAY_S = 86_400
FAILED = NewAlert(
    event=AlertEvent.FAILED, severity=Severity.CRITICAL, subject="actuals", cause="unavailable",
    key="k1", title="actuals: run failed", happened=("It failed.",), run_id="r1", at=START,
)  # fmt: skip


def raise_one(records: Records, cause: str, *, times: int = 1, is_sent: bool = True) -> str:
    """An alert of that cause that happened so often, told to one channel; its id."""
    for number in range(times):
        row = records.alerts.record_alert(replace(FAILED, cause=cause, key=f"{cause} {number}"))
    assert row is not None
    records.alerts.save_deliveries(
        [NewDelivery(alert_id=row.alert_id, channel="ops", kind=DeliveryKind.RAISED, due_at=START)]
    )
    if is_sent:
        for one in records.alerts.claim_deliveries(holder="p", seconds=60, lapses_max=1, limit=9):
            records.alerts.save_sent(one.number, holder="p")
    return row.alert_id


def look_at(records: Records, name: str, clock: Clock) -> None:
    """Somebody has looked at it."""
    check = Check(subject="reach", state=CheckState.OK, finding="fine", next_step="")
    records.connections.record_test(
        ConnectionTest(
            connection=name, actor="kim", at=clock.now(), milliseconds=1, is_whole=True,
            checks=(check,),
        )
    )  # fmt: skip


@pytest.mark.parametrize("portion", [3, 100])
def test_old_history_goes_and_what_is_open_or_new_stays(
    records: Records, records_clock: Clock, move: Move, portion: int
) -> None:
    """With an alert go its times and messages; of each connection the newest test stays.

    The audit chain has every link it had.
    """
    records.audit.record("alert.acknowledged", subject="actuals", actor="kim")
    over, open_one = raise_one(records, "over", times=3), raise_one(records, "open", times=2)
    unsent = raise_one(records, "unsent", is_sent=False)
    records.alerts.save_over([over, unsent], by="run r2")
    records.alerts.record_test("ops", error="")
    for name in ("erp", "erp", "model"):
        look_at(records, name, records_clock)
    move(DAYS * DAY_S)
    new = raise_one(records, "new", is_sent=False)
    records.alerts.save_over([new], by="run r3")
    records.alerts.record_test("ops", error="")
    look_at(records, "model", records_clock)
    before = records_clock.now() - timedelta(days=DAYS)
    assert records.history.delete_before(before, limit=100) == 0, "not a moment too early"

    move(1)
    gone = []
    while count := records.history.delete_before(before + timedelta(seconds=1), limit=portion):
        gone.append(count)
    # Three times, a message and the alert itself; a test message; two tests of connections.
    assert sum(gone) == 3 + 1 + 1 + 1 + 2
    assert max(gone) <= portion
    kept = {row.alert_id for row in records.alerts.load_alerts()}
    assert kept == {open_one, unsent, new}
    assert len(records.alerts.load_occurrences(open_one)) == 2
    assert records.alerts.load_occurrences(over) == []
    tests = [one for one in records.alerts.load_deliveries() if one.alert is None]
    assert [one.made_at for one in tests] == [before + timedelta(days=DAYS)]
    assert [len(records.connections.load_tests(name)) for name in ("erp", "model")] == [1, 1]
    assert [link.event for link in records.audit.find("actuals")] == ["alert.acknowledged"]
    assert records.audit.verify() >= 1


def come(records: Records, schedule: str, due_at: datetime, state: FiringState) -> None:
    """A time of the schedule came."""
    records.schedules.record_firing(
        FiringRow(
            schedule=schedule, flow="actuals", due_at=due_at, run_id=f"{schedule} {due_at}",
            state=state, reason="", actor="kim", request={}, looks=0, ended_at=None,
        )
    )  # fmt: skip


def test_old_times_of_schedules_go_but_for_the_newest_and_what_has_no_end(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A schedule goes on from its newest time, however long ago it was."""
    first, second, third = (START + timedelta(hours=hour) for hour in (1, 2, 3))
    come(records, "nightly", first, FiringState.STARTED)
    come(records, "nightly", second, FiringState.WAITING)
    come(records, "nightly", third, FiringState.PASSED_OVER)
    come(records, "monthly", first, FiringState.STARTED)
    before = records_clock.now()
    assert records.history.delete_before(before, limit=100) == 0, "not a moment too early"

    move(1)
    assert records.history.delete_before(before + timedelta(seconds=1), limit=100) == 1
    assert [one.due_at for one in records.schedules.load_firings("nightly")] == [third, second]
    assert [one.due_at for one in records.schedules.load_firings("monthly")] == [first]


def test_look_forgets_a_bounded_part_and_stops_when_it_is_told_to(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A portion is a transaction that others may wait for; what is left goes at the next look."""
    over = raise_one(records, "over", times=PORTION + 5)
    records.alerts.save_over([over], by="run r2")
    move(DAYS * DAY_S + 1)
    first = forget_history(records, records_clock, days=DAYS, is_stopping=lambda: True)
    assert first == PORTION
    assert records.alerts.find_alert(over) is not None
    rest = forget_history(records, records_clock, days=DAYS)
    assert rest == 5 + 1 + 1
    assert records.alerts.find_alert(over) is None
    assert forget_history(records, records_clock, days=DAYS) == 0
