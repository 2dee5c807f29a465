"""What nobody notes: runs that did not come, times that passed, credentials that end, repeats."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ml_connector.domain.alerts import SEVERITIES, WORDS, AlertEvent, Severity
from ml_connector.flows.alerting.desk import AlertDesk, make_deliveries
from ml_connector.flows.alerting.raising import end_alerts, raise_alerts
from ml_connector.ports import ApprovalState
from ml_connector.ports.alerts import AlertRow, DeliveryKind, NewAlert
from ml_connector.ports.schedules import FiringRow, FiringState

FIRINGS_MAX = 25
"""Firings of one schedule looked through; older ones that were missed are the same alert."""
OPEN_MAX = 2_000
"""Alerts looked at for what has become of them."""
BRIEF_H = 24
"""Hours after which an alert about something past is over by itself."""
MISSED_MARK = "missed"
MISSED_OVERLAP = timedelta(minutes=10)
"""Looked at twice: an end is dated before it is stored, and a time told twice is one."""
NO_RUN = {FiringState.MISSED: "was missed", FiringState.REFUSED: "was refused"}


def watch(desk: AlertDesk) -> None:
    """What nobody notes is looked for, and what is over is ended; called once a minute."""
    now, unread, ending = desk.clock.now(), set(desk.find_unread()), list(desk.find_ending())
    raise_alerts(desk, [*_find_late(desk), *_find_missed(desk), *ending])
    # Only now: what a look was to tell that broke off is found by the next.
    desk.records.alerts.save_mark(MISSED_MARK, now)
    causes = {alert.cause for alert in ending}
    for alert in desk.records.alerts.load_open(limit=OPEN_MAX):
        if alert.event is AlertEvent.EXPIRING and alert.subject in unread:
            causes.add(alert.cause)  # Nobody knows whether it was renewed.
        end = _find_end(desk, alert, causes)
        if end:
            end_alerts(desk, [alert], by=end)
        else:
            _remind(desk, alert)


def _find_late(desk: AlertDesk) -> Iterator[NewAlert]:
    now = desk.clock.now()
    for expected in desk.settings.expected:
        good = desk.records.alerts.find_last_good(expected.flow)
        if good is None and not desk.records.runs.load_runs(flow=expected.flow, limit=1):
            continue  # It has not begun yet.
        if good is None or now - good > timedelta(hours=expected.hours):
            yield _make_late(expected.flow, expected.hours, good, now)


def _make_late(flow: str, hours: int, good: datetime | None, now: datetime) -> NewAlert:
    last = f"{good:%Y-%m-%d %H:%M} UTC" if good else "never"
    return NewAlert(
        event=AlertEvent.LATE, severity=SEVERITIES[AlertEvent.LATE], subject=flow, cause="",
        key=f"late:{flow}:{last}", title=f"{flow}: {WORDS[AlertEvent.LATE]}",
        happened=(f"Its last good run: {last}. One is expected every {hours} hours.",),
        written="The model holds what the last good run has sent.",
        next_step=f"See why: `ml-connector runs list --flow {flow}`.", at=now,
    )  # fmt: skip


def _find_missed(desk: AlertDesk) -> Iterator[NewAlert]:
    """Times that came without a run since the last look; at the first look none is old news."""
    since = desk.records.alerts.find_mark(MISSED_MARK)
    if since is None:
        return
    for name in desk.schedules:
        for firing in desk.records.schedules.load_firings(name, limit=FIRINGS_MAX):
            if (
                firing.state in NO_RUN
                and firing.ended_at
                and firing.ended_at >= since - MISSED_OVERLAP
            ):
                yield _make_missed(firing)


def _make_missed(firing: FiringRow) -> NewAlert:
    at = firing.ended_at
    assert at is not None
    reason = f": {firing.reason.rstrip('.')}" if firing.reason else ""
    return NewAlert(
        event=AlertEvent.MISSED, severity=SEVERITIES[AlertEvent.MISSED], subject=firing.flow,
        cause=f"{firing.schedule} {firing.state.value}", at=at,
        key=f"firing:{firing.schedule}:{firing.due_at.isoformat()}",
        title=f"{firing.flow}: schedule {firing.schedule} {NO_RUN[firing.state]}",
        happened=(f"That of {firing.due_at:%Y-%m-%d %H:%M} UTC {NO_RUN[firing.state]}{reason}.",),
        written="No run began, so nothing was written.",
        next_step=f"Run it now: `ml-connector schedules trigger {firing.schedule}`.",
    )  # fmt: skip


def make_outage(since: datetime, until: datetime, *, holder: str) -> NewAlert:
    """The records answer again, and for how long they did not."""
    minutes = max(1, round((until - since).total_seconds() / 60))
    return NewAlert(
        event=AlertEvent.OUTAGE, severity=Severity.WARNING, subject="", cause="database", at=until,
        key=f"outage:{holder}:{since.isoformat()}", title="The records database answers again",
        happened=(f"It did not answer for {minutes} minutes, from {since:%Y-%m-%d %H:%M} UTC.",),
        written="Runs waited; what they had begun goes on, and nothing is sent twice.",
        next_step="Look at the database's log for that time.",
    )  # fmt: skip


def _find_end(desk: AlertDesk, alert: AlertRow, ending: set[str]) -> str:
    """Why an alert is over, if it is."""
    match alert.event:
        case AlertEvent.APPROVAL:
            approval = desk.records.approvals.find_approval(alert.cause)
            if approval is None or approval.state is not ApprovalState.WAITING:
                return f"plan {approval.state}" if approval else "there is no such plan"
        case AlertEvent.EXPIRING if alert.cause not in ending:
            return "it was renewed"
        case AlertEvent.MISSED | AlertEvent.OUTAGE:
            if desk.clock.now() - alert.last_at > timedelta(hours=BRIEF_H):
                return f"nothing more for {BRIEF_H} hours"
    return ""


def _remind(desk: AlertDesk, alert: AlertRow) -> None:
    """Repeats since it was told are told in one message, when it has waited long enough."""
    wait = timedelta(hours=desk.settings.remind_hours)
    is_due = alert.told_at is not None and desk.clock.now() - alert.told_at >= wait
    if is_due and alert.count > alert.told_count and alert.acknowledged_at is None:
        desk.records.alerts.save_deliveries(
            make_deliveries(desk, alert, DeliveryKind.REMINDER, number=alert.count)
        )
