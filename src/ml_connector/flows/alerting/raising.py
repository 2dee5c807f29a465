"""From what was noted to alerts: each note looked at once, whoever looks, however often."""

import logging
from collections.abc import Iterable, Sequence

from ml_connector.domain.alerts import AlertEvent
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.alerting.desk import AlertDesk, make_deliveries
from ml_connector.flows.alerting.texts import (
    tell_approval,
    tell_no_lines,
    tell_run,
    tell_takeover,
)
from ml_connector.ports import ApprovalState, RunRow, RunState
from ml_connector.ports.alerts import AlertNote, AlertRow, DeliveryKind, NewAlert, NewDelivery

logger = logging.getLogger(__name__)

NOTES_MAX = 100
"""Notes of one look; the others wait for the next."""
EARLIER_RUNS_MAX = 20
"""Runs looked through for one that had lines."""
RUN_EVENTS = frozenset(
    {
        AlertEvent.FAILED, AlertEvent.UNKNOWN, AlertEvent.BLOCKED, AlertEvent.UNTIED,
        AlertEvent.DRIFT, AlertEvent.MOVING, AlertEvent.REFUSED, AlertEvent.REFUSAL_RATE,
        AlertEvent.UNMAPPED, AlertEvent.NO_LINES, AlertEvent.LATE,
    }
)  # fmt: skip
"""What a later run of the flow that ended well ends."""
REFUSALS = frozenset({AlertEvent.REFUSED, AlertEvent.REFUSAL_RATE})
STOPPED_EVENTS = frozenset({AlertEvent.FAILED, AlertEvent.UNKNOWN, AlertEvent.BLOCKED})
"""What a later run that went through ends, though it left something to look at."""
PERIOD_EVENTS = RUN_EVENTS - STOPPED_EVENTS - {AlertEvent.LATE}
"""What is about some periods: a run of others says nothing of it."""
GOOD = frozenset({RunState.SUCCEEDED, RunState.PARTLY})
THROUGH = frozenset({RunState.UNTIED, RunState.MOVING, RunState.WAITING_APPROVAL})


def raise_noted(desk: AlertDesk) -> int:
    """Every note is looked at, up to a limit; returns how many were this process's."""
    return sum(_look_safely(desk, note) for note in desk.records.alerts.load_notes(limit=NOTES_MAX))


def raise_alerts(desk: AlertDesk, alerts: Iterable[NewAlert]) -> list[AlertRow]:
    """They stand, and their channels are told of those that are new; returns those that came."""
    found = list(alerts)
    if not found:
        return []
    came, messages = [], list[NewDelivery]()
    # Together: an alert that stands without its messages would never be told.
    with desk.records.transactions.begin(f"{len(found)} alerts"):
        for alert in found:
            row = desk.records.alerts.record_alert(alert)
            if row is not None:
                came.append(row)
            if row is not None and row.count == 1:
                messages += make_deliveries(desk, row, DeliveryKind.RAISED)
        desk.records.alerts.save_deliveries(messages)
    return came


def end_alerts(desk: AlertDesk, alerts: Sequence[AlertRow], *, by: str) -> None:
    """They are over; whoever was told of them is told that, once."""
    if not alerts:
        return
    with desk.records.transactions.begin(f"the end of {len(alerts)} alerts"):
        over = desk.records.alerts.save_over([one.alert_id for one in alerts], by=by)
        messages = []
        for row in over:
            told = set(desk.records.alerts.load_told(row.alert_id))
            made = make_deliveries(desk, row, DeliveryKind.OVER)
            messages += [one for one in made if one.channel in told]
        desk.records.alerts.save_deliveries(messages)


def _look_safely(desk: AlertDesk, note: AlertNote) -> int:
    """A note nobody can make sense of is dropped: it would keep the others from being told."""
    try:
        return _look_at(desk, note)
    except ConnectorError:
        raise
    except Exception:
        logger.exception("alerts.note_dropped kind=%s key=%s", note.kind, note.key)
        return desk.records.alerts.delete_notes([note.number])


def _look_at(desk: AlertDesk, note: AlertNote) -> int:
    with desk.records.transactions.begin(f"the alerts of {note.kind} {note.key}"):
        if not desk.records.alerts.delete_notes([note.number]):
            return 0  # Another process was quicker.
        try:
            run = desk.records.runs.load_run(note.key)
        except UsageError:
            return 1
        if note.kind == "takeover":
            raise_alerts(desk, [tell_takeover(run, at=note.at)])
        elif run.state.value == note.state:
            _look_at_run(desk, run, note)
        # A run that has moved on since has a later note, or goes on.
    return 1


def _look_at_run(desk: AlertDesk, run: RunRow, note: AlertNote) -> None:
    told = tell_run(run, at=note.at, refused_share_max=desk.settings.refused_share_max)
    told += _tell_waiting(desk, run, note) + _tell_empty(desk, run, note)
    came = raise_alerts(desk, told)
    stays = {(one.event, one.cause) for one in told} | {(one.event, one.cause) for one in came}
    over = [
        alert
        for alert in desk.records.alerts.load_open(subject=run.flow)
        if (alert.event, alert.cause) not in stays
        and _is_ended(alert, run)
        and not (alert.event in PERIOD_EVENTS and _leaves_periods(desk, run))
    ]
    end_alerts(desk, over, by=f"run {run.run_id} {run.state}")


def _is_ended(alert: AlertRow, run: RunRow) -> bool:
    """Whether the run's end says that the alert is over."""
    if alert.run_id == run.run_id and alert.event in STOPPED_EVENTS:
        return True  # The very run it is about went on, and ended otherwise.
    if run.summary.get("dry_run") or run.request.get("dry_run"):
        return False
    if alert.event in REFUSALS and _leaves_refused(run):
        return False
    if alert.event is AlertEvent.LATE and run.request.get("reconcile"):
        return False  # It has brought nothing.
    if run.state in GOOD:
        return alert.event in RUN_EVENTS
    return run.state in THROUGH and alert.event in STOPPED_EVENTS


def _leaves_refused(run: RunRow) -> bool:
    """Whether the model lacks what it refused of earlier runs, and this run told nothing of it."""
    return bool(run.summary.get("still_refused")) and not run.summary.get("refused")


def _leaves_periods(desk: AlertDesk, run: RunRow) -> bool:
    """Whether the run looked at some periods only, and others of the flow are owed still."""
    is_limited = bool(run.request.get("periods") or run.request.get("month_first"))
    return is_limited and bool(desk.records.batches.load_touched(run.flow))


def _tell_waiting(desk: AlertDesk, run: RunRow, note: AlertNote) -> list[NewAlert]:
    if run.state is not RunState.WAITING_APPROVAL:
        return []
    waiting = desk.records.approvals.load_approvals(
        flow=run.flow, states=[ApprovalState.WAITING], limit=1
    )
    return [tell_approval(run, approval, at=note.at) for approval in waiting]


def _tell_empty(desk: AlertDesk, run: RunRow, note: AlertNote) -> list[NewAlert]:
    """Degraded success: periods were read that held lines before and hold none now."""
    if run.state is not RunState.SUCCEEDED or not run.summary.get("periods"):
        return []
    if run.summary.get("lines", 1) or run.summary.get("dry_run"):
        return []
    earlier = desk.records.runs.load_runs(flow=run.flow, limit=EARLIER_RUNS_MAX)
    before = next(
        (one for one in earlier if one.run_id != run.run_id and one.summary.get("lines")), None
    )
    return [] if before is None else [tell_no_lines(run, before=before, at=note.at)]
