"""Alerts as tables and in words, the same for the terminal and the pages."""

from collections.abc import Sequence

from ml_connector.domain.alerts import SEVERITIES, WORDS, AlertEvent, Severity
from ml_connector.flows.answers.listing import Cell, Link, Listing, State, Tone
from ml_connector.ports.alerts import (
    AlertRow,
    AlertState,
    DeliveryRow,
    DeliveryState,
    Occurrence,
)
from ml_connector.settings.alerts import AlertRule, AlertSettings

SEVERITY_TONES = {
    Severity.INFO: Tone.IDLE, Severity.WARNING: Tone.WAITS, Severity.CRITICAL: Tone.WRONG,
}  # fmt: skip
STATE_TONES = {
    AlertState.OPEN: Tone.WRONG, AlertState.ACKNOWLEDGED: Tone.WAITS, AlertState.OVER: Tone.GOOD,
}  # fmt: skip
DELIVERY_TONES = {
    DeliveryState.WAITING: Tone.WAITS, DeliveryState.SENDING: Tone.BUSY,
    DeliveryState.SENT: Tone.GOOD, DeliveryState.FAILED: Tone.WRONG,
    DeliveryState.UNCLEAR: Tone.WAITS,
    DeliveryState.SKIPPED: Tone.IDLE,
}  # fmt: skip


def show_severity(severity: Severity) -> State:
    """How bad it is, as a cell."""
    return State(word=severity.value, tone=SEVERITY_TONES[severity])


def show_alert_state(alert: AlertRow) -> State:
    """How the alert stands, as a cell."""
    return State(word=alert.state.value, tone=STATE_TONES[alert.state])


def show_delivery_state(delivery: DeliveryRow) -> State:
    """What became of a message, as a cell."""
    return State(word=delivery.state.value, tone=DELIVERY_TONES[delivery.state])


def list_open(alerts: Sequence[AlertRow]) -> Listing:
    """Alerts nobody looks after, the worst first."""
    return Listing(
        columns=("Severity", "Alert", "What happened", "Times", "Since (UTC)", "Last (UTC)"),
        rows=[
            (
                show_severity(one.severity), _link(one), _tell_first(one), one.count, one.first_at,
                one.last_at if one.count > 1 else None,
            )
            for one in sort_worst(alerts)
        ],
        empty="Nothing is open.",
    )  # fmt: skip


def list_held(alerts: Sequence[AlertRow]) -> Listing:
    """Alerts somebody looks after."""
    return Listing(
        columns=("Severity", "Alert", "Looked after by", "Since (UTC)", "What is done", "Times"),
        rows=[
            (
                show_severity(one.severity), _link(one), one.acknowledged_by, one.acknowledged_at,
                one.remark, one.count,
            )
            for one in sort_worst(alerts)
        ],
        empty="Nobody looks after any.",
    )  # fmt: skip


def list_alerts(alerts: Sequence[AlertRow], *, empty: str = "Nothing is open.") -> Listing:
    """Alerts in whatever state, in the order given."""
    return Listing(
        columns=("Severity", "Alert", "State", "Times", "First (UTC)", "Last (UTC)", "By"),
        rows=[
            (
                show_severity(one.severity), _link(one), show_alert_state(one), one.count,
                one.first_at, one.last_at, one.ended_by or one.acknowledged_by,
            )
            for one in alerts
        ],
        empty=empty,
    )  # fmt: skip


def sort_worst(alerts: Sequence[AlertRow]) -> list[AlertRow]:
    """The worst first; of equals the newest."""
    return sorted(alerts, key=lambda one: (-one.severity.rank, -one.last_at.timestamp()))


def _link(alert: AlertRow) -> Link:
    return Link(text=alert.title, kind="alert", key=alert.alert_id)


def _tell_first(alert: AlertRow) -> str:
    """The sentence that tells most: a stopped run's error, not that it stopped."""
    return alert.happened[-1] if alert.happened else ""


def list_occurrences(occurrences: Sequence[Occurrence]) -> Listing:
    """The times an alert happened, the newest first."""
    return Listing(
        columns=("When (UTC)", "Run", "What"),
        rows=[
            (one.at, Link(text=one.run_id, kind="run", key=one.run_id) if one.run_id else "",
             one.text)
            for one in occurrences
        ],
    )  # fmt: skip


def list_deliveries(deliveries: Sequence[DeliveryRow]) -> Listing:
    """Messages and what became of each, the newest first."""
    return Listing(
        columns=("Channel", "Why", "Alert", "State", "When (UTC)", "Tries", "Answer"),
        rows=[
            (
                one.channel, one.kind.value,
                Link(text=one.alert.title, kind="alert", key=one.alert.alert_id)
                if one.alert else "", show_delivery_state(one), one.sent_at or one.made_at,
                one.attempts, one.error,
            )
            for one in deliveries
        ],
        empty="No message was sent yet.",
    )  # fmt: skip


def list_rules(settings: AlertSettings) -> Listing:
    """The rules in words."""
    return Listing(
        columns=("Tells", "Of", "Of flows", "At least", "But not"),
        rows=[_tell_rule(rule) for rule in settings.rules],
        empty="No rule says who is told; alerts are on this page only.",
    )


def _tell_rule(rule: AlertRule) -> tuple[Cell, ...]:
    events = ", ".join(WORDS[AlertEvent(one)] for one in rule.events) or "everything"
    quiet = rule.quiet
    rest = (
        f"{quiet.begins} to {quiet.ends} {quiet.zone}, unless {quiet.least}" if quiet else "never"
    )
    flows = ", ".join(rule.flows) or "all"
    return ", ".join(rule.channels), events, flows, show_severity(Severity(rule.least)), rest


def list_events() -> Listing:
    """Everything that is worth an alert, and how bad it is."""
    rows = [(one.value, WORDS[one], show_severity(SEVERITIES[one])) for one in AlertEvent]
    return Listing(columns=("Event", "What happened", "Severity"), rows=rows)
