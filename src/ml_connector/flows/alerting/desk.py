"""What alerting needs, and which channels a rule tells when."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from ml_connector.domain.alerts import QuietHours, Severity
from ml_connector.ports import Clock, Records, Secrets
from ml_connector.ports.alerts import AlertRow, AlertSender, DeliveryKind, NewAlert, NewDelivery
from ml_connector.settings.alerts import AlertRule, AlertSettings, ChannelSettings, QuietSettings

FindEnding = Callable[[], Iterable[NewAlert]]
FindUnread = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDesk:
    """What alerting needs.

    Attributes:
        records: All stores.
        clock: The time.
        settings: Channels, rules and limits.
        sender: Speaks to channels.
        secrets: Opens their addresses.
        holder: This process, as other senders see it.
        flows: Names of the flows there are.
        schedules: Names of the schedules there are.
        url: How browsers reach the pages; empty: no links are written.
        find_ending: Credentials that end soon, looked up anew at each call.
        find_unread: Connections whose credentials cannot be read now.
        is_stopping: Whether no further message is to be begun.
    """

    records: Records
    clock: Clock
    settings: AlertSettings
    sender: AlertSender
    secrets: Secrets
    holder: str
    flows: Sequence[str] = ()
    schedules: Sequence[str] = ()
    url: str = ""
    find_ending: FindEnding = field(default=tuple)
    find_unread: FindUnread = field(default=tuple)
    is_stopping: Callable[[], bool] = field(default=bool)

    @property
    def channels(self) -> Mapping[str, ChannelSettings]:
        """Channels by name."""
        return {channel.name: channel for channel in self.settings.channels}


def fits(rule: AlertRule, alert: AlertRow) -> bool:
    """Whether the rule is about such an alert."""
    return (
        (not rule.events or alert.event.value in rule.events)
        and (not rule.flows or alert.subject in rule.flows)
        and alert.severity.rank >= Severity(rule.least).rank
    )


def find_due(quiet: QuietSettings | None, severity: Severity, now: datetime) -> datetime:
    """From when a rule tells of something so bad."""
    if quiet is None or severity.rank >= Severity(quiet.least).rank:
        return now
    begins, ends = quiet.times
    return QuietHours(begins=begins, ends=ends, zone=ZoneInfo(quiet.zone)).find_end(now)


def make_deliveries(
    desk: AlertDesk, alert: AlertRow, kind: DeliveryKind, *, number: int = 1
) -> list[NewDelivery]:
    """A message for each channel of each rule that fits, at the earliest any of them allows."""
    due: dict[str, datetime] = {}
    now = desk.clock.now()
    for rule in desk.settings.rules:
        if fits(rule, alert):
            at = find_due(rule.quiet, alert.severity, now)
            due |= {name: min(at, due.get(name, at)) for name in rule.channels}
    return [
        NewDelivery(alert_id=alert.alert_id, channel=name, kind=kind, number=number, due_at=at)
        for name, at in sorted(due.items())
    ]
