"""Alerts in the records: grouped, told once, sent by one process at a time, whoever dies."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.contract.conftest import START, Move

from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.errors import RefusedError, UsageError
from ml_connector.ports import Records, RunState
from ml_connector.ports.alerts import (
    AlertRow,
    AlertState,
    DeliveryKind,
    DeliveryState,
    NewAlert,
    NewDelivery,
)

CLAIM_S = 60
FAILED = NewAlert(
    event=AlertEvent.FAILED, severity=Severity.CRITICAL, subject="actuals", cause="unavailable",
    key="k1", title="actuals: run failed", happened=("It failed.",), run_id="r1", at=START,
)  # fmt: skip
Claim = Callable[[str], list[int]]


def raise_one(records: Records, **changes: object) -> AlertRow:
    """An alert that stands."""
    row = records.alerts.record_alert(replace(FAILED, **changes))  # type: ignore[arg-type]  # fields of the alert by name.
    assert row is not None
    return row


def tell(records: Records, row: AlertRow, *channels: str) -> None:
    """Channels are to be told now."""
    records.alerts.save_deliveries(
        [
            NewDelivery(alert_id=row.alert_id, channel=name, kind=DeliveryKind.RAISED, due_at=START)
            for name in channels
        ]
    )


@pytest.fixture
def claim(records: Records) -> Claim:
    """Numbers of the messages a process gets to send."""

    def ask(holder: str) -> list[int]:
        found = records.alerts.claim_deliveries(
            holder=holder, seconds=CLAIM_S, lapses_max=1, limit=10
        )
        return [one.number for one in found]

    return ask


def test_alert_that_happens_again_is_the_same_one_counted(records: Records) -> None:
    """Other causes, subjects and events are others; a time told twice is one time."""
    first = raise_one(records)

    assert records.alerts.record_alert(FAILED) is None
    again = raise_one(records, key="k2", title="still", run_id="r2", at=START + timedelta(hours=1))
    others = [
        raise_one(records, key="k3", cause="credentials"),
        raise_one(records, key="k4", subject="budget"),
        raise_one(records, key="k5", event=AlertEvent.UNKNOWN),
    ]

    assert (again.alert_id, again.count, again.title) == (first.alert_id, 2, "still")
    assert again.first_at == START
    assert len({first.alert_id, *(one.alert_id for one in others)}) == 4
    assert [one.run_id for one in records.alerts.load_occurrences(first.alert_id)] == ["r2", "r1"]
    assert {one.alert_id for one in records.alerts.load_open(subject="actuals")} == {
        first.alert_id, others[0].alert_id, others[2].alert_id,
    }  # fmt: skip


def test_alert_that_is_over_is_a_new_one_when_it_happens_again(records: Records) -> None:
    """And it is over once: told again, nothing is over."""
    first = raise_one(records)

    ended = records.alerts.save_over([first.alert_id], by="run r9 succeeded")
    again = raise_one(records, key="k2")

    assert [one.state for one in ended] == [AlertState.OVER]
    assert records.alerts.save_over([first.alert_id], by="run r9 succeeded") == []
    assert again.alert_id != first.alert_id
    assert again.count == 1
    page = records.alerts.load_alerts(limit=1)
    assert [one.alert_id for one in page] == [again.alert_id]
    older = records.alerts.load_alerts(before=again.alert_id, event="failed", subject="actuals")
    assert [one.alert_id for one in older] == [first.alert_id]


def test_only_one_person_acknowledges_and_only_what_is_not_over(records: Records) -> None:
    """What cannot end by itself is over with that."""
    row = raise_one(records)
    past = raise_one(records, key="k2", event=AlertEvent.MISSED)

    mine = records.alerts.save_acknowledged(row.alert_id, actor="kim", remark="mine")
    done = records.alerts.save_acknowledged(past.alert_id, actor="kim", remark="")

    assert (mine.state, mine.acknowledged_by, mine.remark) == (
        AlertState.ACKNOWLEDGED, "kim", "mine",
    )  # fmt: skip
    assert done.state is AlertState.OVER
    for alert_id in (row.alert_id, past.alert_id):
        with pytest.raises(RefusedError, match=r"already|over"):
            records.alerts.save_acknowledged(alert_id, actor="lee", remark="")
    with pytest.raises(UsageError, match="no alert 'nothing'"):
        records.alerts.save_acknowledged("nothing", actor="lee", remark="")


def test_message_is_one_process_s_to_send(records: Records, claim: Claim) -> None:
    """A channel is told once of each alert, however often that is asked for."""
    row = raise_one(records)
    tell(records, row, "mail", "hook")
    tell(records, row, "mail", "hook")

    first, second = claim("one"), claim("two")

    assert len(first) == 2
    assert second == []
    assert not records.alerts.save_sent(first[0], holder="two")
    assert records.alerts.save_sent(first[0], holder="one")
    assert not records.alerts.save_sent(first[0], holder="one")
    states = {one.number: one.state for one in records.alerts.load_deliveries()}
    assert states[first[0]] is DeliveryState.SENT


def test_message_of_a_process_that_ended_is_repeated_once_and_then_unclear(
    records: Records, claim: Claim, move: Move
) -> None:
    """Between sending and noting it: it may have arrived, so it is not repeated for ever."""
    tell(records, raise_one(records), "mail")
    claim("one")

    move(CLAIM_S - 1)
    early = claim("two")
    move(2)
    repeated = claim("two")
    lapses = records.alerts.load_deliveries()[0].lapses
    move(CLAIM_S + 1)
    third = claim("three")

    assert early == []
    assert len(repeated) == 1
    assert lapses == 1
    assert third == []
    row = records.alerts.load_deliveries()[0]
    assert row.state is DeliveryState.UNCLEAR
    assert "ended before" in row.error
    assert records.alerts.save_again(row.number)
    assert claim("four") == repeated
    assert not records.alerts.save_again(row.number)


def test_message_that_failed_waits_or_is_given_up(
    records: Records, claim: Claim, move: Move
) -> None:
    """Its error stays to be seen."""
    tell(records, raise_one(records), "mail")
    (number,) = claim("one")

    records.alerts.save_unsent(
        number, holder="one", error="away", due_at=START + timedelta(seconds=30)
    )
    early = claim("one")
    move(30)
    late = claim("one")
    records.alerts.save_unsent(number, holder="one", error="no such box", due_at=None)
    move(86_400)

    assert (early, late, claim("one")) == ([], [number], [])
    row = records.alerts.load_deliveries(channel="mail")[0]
    assert (row.state, row.error, row.attempts) == (DeliveryState.FAILED, "no such box", 2)
    assert records.alerts.load_told(FAILED.key) == []


def test_end_of_a_run_is_noted_in_its_own_transaction(records: Records) -> None:
    """Neither a note without the end, nor an end without its note."""
    records.runs.create_run(run_id="r1", flow="actuals", kind="a", actor="kim", request={})
    with suppress(RuntimeError), records.transactions.begin("an end"):
        records.runs.save_run("r1", RunState.FAILED)
        raise RuntimeError
    before = records.alerts.load_notes(limit=9)

    records.runs.save_run("r1", RunState.RUNNING)
    records.runs.save_run("r1", RunState.FAILED, error={"code": "busy"})
    notes = records.alerts.load_notes(limit=9)

    assert before == []
    assert [(one.kind, one.key, one.state) for one in notes] == [("run", "r1", "failed")]
    assert records.alerts.delete_notes([one.number for one in notes]) == 1
    assert records.alerts.delete_notes([one.number for one in notes]) == 0
    assert records.alerts.find_last_good("actuals") is None


@pytest.mark.parametrize("look", ["dry_run", "reconcile"])
def test_good_run_that_monitoring_is_told_of_brought_something(
    records: Records, move: Move, look: str
) -> None:
    """One that only looked leaves a flow as old as it was, for alerts and for numbers alike."""
    for run_id, asked in (("r1", {"periods": ["Oct-26"]}), ("r2", {look: True})):
        records.runs.create_run(run_id=run_id, flow="f", kind="actuals", actor="kim", request=asked)
        records.runs.save_run(run_id, RunState.SUCCEEDED)
        move(60)

    loaded_at = records.runs.load_run("r1").finished_at

    assert records.gauges.load_gauges().good_at == {"f": loaded_at}
    assert records.alerts.find_last_good("f") == loaded_at
