"""Alerts: what people should know without looking, and the channels that tell them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ml_connector.domain.alerts import AlertEvent, Severity


class AlertState(StrEnum):
    """How an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    OVER = "over"


class DeliveryKind(StrEnum):
    """Why a channel is told."""

    RAISED = "raised"
    REMINDER = "reminder"
    OVER = "over"
    TEST = "test"


class DeliveryState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "not needed"
    """What it was to tell was over before anybody heard of it."""
    UNCLEAR = "unclear"
    """Two processes ended while they sent it: it may have arrived, and is not sent again."""


OPEN_DELIVERIES = frozenset({DeliveryState.WAITING, DeliveryState.SENDING})
"""Messages somebody has yet to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNote:
    """Something that may be worth an alert.

    Attributes:
        number: Of the note; notes are looked at in this order.
        kind: What the key names, `run` or `takeover`.
        key: The run's id.
        state: The run's state, by which it was noted.
        at: When.
    """

    number: int = field(repr=False)
    kind: str
    key: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """Something that happened and that people should know.

    Attributes:
        event: What it is.
        severity: How bad it is.
        subject: The flow, connection or schedule it is about.
        cause: Alerts of one event, subject and cause are one alert that happens again.
        key: Of this time; told twice it is one.
        title: One line.
        happened: What happened, in money where there is money; a sentence each.
        written: What is and is not written.
        next_step: What to do.
        run_id: The run it came from.
        at: When it happened.
    """

    event: AlertEvent
    severity: Severity
    subject: str
    cause: str
    key: str
    title: str
    happened: tuple[str, ...] = ()
    written: str = ""
    next_step: str = ""
    run_id: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert as it stands."""

    alert_id: str
    event: AlertEvent
    severity: Severity
    subject: str
    cause: str
    run_id: str
    title: str
    happened: tuple[str, ...]
    written: str
    next_step: str
    count: int
    told_count: int
    told_at: datetime | None
    first_at: datetime
    last_at: datetime
    ended_at: datetime | None
    ended_by: str
    acknowledged_at: datetime | None
    acknowledged_by: str
    remark: str

    @property
    def state(self) -> AlertState:
        """Open, acknowledged, or over."""
        if self.ended_at is not None:
            return AlertState.OVER
        return AlertState.ACKNOWLEDGED if self.acknowledged_at else AlertState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One time an alert happened."""

    key: str
    run_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A channel is to be told of an alert, from an instant on."""

    alert_id: str
    channel: str
    kind: DeliveryKind
    number: int = 1
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A message to a channel and what became of it."""

    number: int = field(repr=False)
    """Of the row; names it."""
    alert: AlertRow | None
    channel: str
    kind: DeliveryKind
    state: DeliveryState
    made_at: datetime
    due_at: datetime
    attempts: int
    lapses: int
    """How often a process ended between sending and noting it."""
    holder: str = field(repr=False)
    sent_at: datetime | None
    error: str


class AlertStore(Protocol):
    """Alerts of one organisation, and the messages about them."""

    def record_note(self, kind: str, key: str, *, state: str = "") -> None:
        """It will be looked at, whoever does; part of the transaction it is called in."""

    def load_notes(self, *, limit: int) -> list[AlertNote]:
        """The oldest notes nobody has looked at yet."""

    def delete_notes(self, numbers: Collection[int]) -> int:
        """They are looked at; returns how many of them nobody else had taken."""

    def find_mark(self, name: str) -> datetime | None:
        """How far something has been looked at."""

    def save_mark(self, name: str, at: datetime) -> None:
        """It has been looked at up to there."""

    def record_alert(self, alert: NewAlert) -> AlertRow | None:
        """It stands as one alert more, or as one time more of one that is not over.

        Returns:
            The alert as it stands; None when this very time was told before.
        """

    def save_over(self, alert_ids: Collection[str], *, by: str) -> list[AlertRow]:
        """These alerts are over, for what `by` says; returns those that were not before."""

    def save_acknowledged(self, alert_id: str, *, actor: str, remark: str) -> AlertRow:
        """Somebody looks after it; nobody is reminded of it, and what cannot end by itself is over.

        Raises:
            UsageError: There is no such alert.
            RefusedError: It is over, or somebody acknowledged it before.
        """

    def find_alert(self, alert_id: str) -> AlertRow | None:
        """The alert."""

    def load_open(
        self, *, subject: str | None = None, limit: int = 200, before: str = ""
    ) -> list[AlertRow]:
        """Alerts that are not over, the newest first; those older than one, where it is named."""

    def load_alerts(
        self, *, before: str = "", event: str = "", subject: str = "", limit: int = 100
    ) -> list[AlertRow]:
        """The newest first, from one on if it is named."""

    def load_occurrences(
        self, alert_id: str, *, limit: int = 50, before: str = ""
    ) -> list[Occurrence]:
        """The newest first; those before the one of a key, where one is given."""

    def save_deliveries(self, deliveries: Sequence[NewDelivery]) -> int:
        """These messages wait; those there were before stay as they are. Returns how many are new.

        The alert counts as told that often, so that only what comes later is worth a reminder.
        """

    def load_told(self, alert_id: str) -> list[str]:
        """Channels that heard, or may have heard, that the alert was raised."""

    def claim_deliveries(
        self, *, holder: str, seconds: int, lapses_max: int, limit: int
    ) -> list[DeliveryRow]:
        """What is due is this holder's to send, for so long; nobody else gets it meanwhile.

        One whose holder ended is claimed again until it lapsed too often; then it is unclear.
        """

    def save_sent(self, number: int, *, holder: str) -> bool:
        """The channel took it; False when the holder's time ran out and somebody else has it."""

    def save_unsent(self, number: int, *, holder: str, error: str, due_at: datetime | None) -> bool:
        """The channel did not take it; it is tried again then, or never when None."""

    def save_skipped(self, number: int, *, holder: str, reason: str) -> bool:
        """Nobody needs the message any more; False when somebody else has it."""

    def save_again(self, number: int) -> bool:
        """A message that failed or is unclear waits anew; False when it is neither."""

    def record_test(self, channel: str, *, error: str) -> None:
        """A test message was sent, or not."""

    def load_deliveries(
        self, *, alert_id: str = "", channel: str = "", limit: int = 50, before: int = 0
    ) -> list[DeliveryRow]:
        """The newest first; those before a number, where one is given."""

    def find_last_good(self, flow: str) -> datetime | None:
        """When the newest good run of the flow ended that was to bring something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel is told."""

    title: str
    body: str
    severity: Severity
    recipients: tuple[str, ...] = field(default=(), repr=False)
    """Addresses, for a channel that writes to people; empty: those of the channel itself."""


class AlertSender(Protocol):
    """Speaks to channels; knows nothing of alerts."""

    def submit_message(self, address: str, message: Message) -> None:
        """The channel has taken the message; at most once per call, in bounded time.

        Raises:
            ChannelRefusedError: The address leads nowhere, or is not safe.
            ChannelUnavailableError: The channel does not answer, or does not take it now.
        """

    def verify_address(self, address: str) -> str:
        """What kind of channel the address is, in a word.

        Raises:
            ChannelRefusedError: It is none, or it would carry secrets in the clear.
        """
