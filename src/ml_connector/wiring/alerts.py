"""Alerting half of a house: what people see and do about alerts, and the watch that sends them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.errors import ConnectorError, DatabaseAwayError, UsageError
from ml_connector.ports.alerts import AlertRow, AlertSender, DeliveryRow, Occurrence
from ml_connector.settings.alerts import ChannelSettings
from ml_connector.wiring.near import list_names
from ml_connector.wiring.once import once
from ml_connector.wiring.parts import Part
from ml_connector.wiring.telling import Tell, TellOnce, tell_error

if TYPE_CHECKING:
    from ml_connector.flows.alerting.desk import AlertDesk
    from ml_connector.ports.alerts import NewAlert

logger = logging.getLogger(__name__)

LOOK_S = 5.0
"""From one look at what was noted and what is due to the next."""
WATCH_S = 60
"""From one look at what nobody notes to the next."""
MINUTES_KEPT = timedelta(hours=48)
"""How long requests are remembered minute by minute."""
FORGET_S = 3_600
"""Between two looks for history that is too old to be kept."""
OUTAGE_S_MIN = 60
"""An outage that is shorter was waited for by everybody and is worth no alert."""
OPEN_SHOWN = 200
"""Open alerts of one list."""
REMARK_CHARS_MAX = 500


class UnfitRemarkError(UsageError):
    """What somebody says to an alert is too long."""

    code = "alerts.unfit-remark"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
    """A channel as people see it; never its address.

    Attributes:
        channel: Its settings.
        kind: E-mail, Slack, webhook ...
        problem: Why its address cannot be read; empty when it can.
        last: The newest message to it.
    """

    channel: ChannelSettings
    kind: str
    problem: str
    last: DeliveryRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert, the times it happened, and who was told."""

    alert: AlertRow
    occurrences: list[Occurrence]
    deliveries: list[DeliveryRow]


class Alerts(Part):
    """The house's alerts; the house itself supplies records, vault and clock."""

    if TYPE_CHECKING:

        def list_endings(self) -> list[NewAlert]:
            """Credentials that end soon."""

        def list_unread_certificates(self) -> list[str]:
            """Connections whose certificate cannot be read now."""

    def list_open_alerts(self, *, before: str = "", limit: int = OPEN_SHOWN) -> list[AlertRow]:
        """Alerts that are not over, what was noted by now included; the newest first.

        Those older than one, where it is named.
        """
        if not before:
            self._raise_noted()
        return self.records.alerts.load_open(before=before, limit=limit)

    def view_alert(self, alert_id: str) -> AlertView:
        """One alert with everything known of it.

        Raises:
            UsageError: There is no such alert.
        """
        alert = self.records.alerts.find_alert(alert_id)
        if alert is None:
            raise UsageError(
                f"There is no alert {alert_id!r}.",
                written="Nothing was changed.",
                next_step="List them: `ml-connector alerts list`.",
                alert=alert_id,
            )
        return AlertView(
            alert=alert,
            occurrences=self.records.alerts.load_occurrences(alert_id),
            deliveries=self.records.alerts.load_deliveries(alert_id=alert_id),
        )

    def acknowledge_alert(self, alert_id: str, *, remark: str = "") -> AlertRow:
        """Somebody looks after the alert; nobody is reminded of it any more.

        Raises:
            UsageError: There is no such alert, or the remark is too long.
            RefusedError: It is over, or somebody acknowledged it before.
        """
        if len(remark) > REMARK_CHARS_MAX:
            raise UnfitRemarkError(
                f"The remark has {len(remark)} characters; {REMARK_CHARS_MAX} are kept.",
                written="Nothing was changed.",
                next_step="Say it shorter.",
                characters=len(remark),
            )
        with self.records.transactions.begin(f"the acknowledgement of alert {alert_id}"):
            row = self.records.alerts.save_acknowledged(
                alert_id, actor=self.actor, remark=remark.strip()
            )
            self.records.audit.record(
                "alert.acknowledged", subject=row.subject, actor=self.actor, run_id=row.run_id,
                alert=alert_id, event_told=row.event.value, remark=row.remark,
            )  # fmt: skip
        return row

    def list_channels(self) -> list[ChannelView]:
        """Every channel of the settings, by name."""
        channels = self.project.settings.alerts.channels
        return [
            self._view_channel(channel) for channel in sorted(channels, key=lambda one: one.name)
        ]

    def test_channel(self, name: str) -> None:
        """The channel took a test message; it is in the history either way.

        Raises:
            UsageError: There is no such channel.
            ConnectorError: It did not take it.
        """
        from ml_connector.flows.alerting.sending import send_test  # noqa: PLC0415 - start-up time.

        names = [channel.name for channel in self.project.settings.alerts.channels]
        if name not in names:
            raise UsageError(
                f"There is no channel {name!r}; there are: {list_names(name, names)}",
                written="Nothing was sent.",
                next_step="Add it under `alerts.channels` in ml-connector.yaml.",
                channel=name,
            )
        self.records.audit.record("channel.tested", subject=name, actor=self.actor)
        send_test(self._alert_desk(), name)

    def send_alerts(self) -> int:
        """What was noted is raised and what is due has left; returns how many messages left.

        For machines without a server: a process that stays does it by itself.
        """
        from ml_connector.flows.alerting.sending import send_due  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.alerting.watching import watch  # noqa: PLC0415 - as above.

        self._raise_noted()
        desk = self._alert_desk()
        watch(desk)
        self.forget_history()
        return send_due(desk)

    def forget_history(self, is_stopping: Callable[[], bool] = bool) -> int:
        """What is older than `history_days` is gone, some of it at least; returns how many rows."""
        from ml_connector.flows.alerting.forgetting import (  # noqa: PLC0415 - start-up time.
            forget_history,
        )

        days = self.project.settings.history_days
        return forget_history(self.records, self.clock, days=days, is_stopping=is_stopping)

    def send_again(self, number: int) -> bool:
        """A message that failed is sent again by whoever sends; False when it has not failed."""
        found = self.records.alerts.save_again(number)
        if found:
            self.records.audit.record("message.sent-again", subject=str(number), actor=self.actor)
        return found

    @contextmanager
    def _telling(self, tell: Tell) -> Iterator[None]:
        """Alerts are raised and sent by a thread of their own for as long as the block lasts."""
        from ml_connector.engine.watching import Watch  # noqa: PLC0415 - start-up time.

        look = AlertLook(self, tell, lambda: watch.is_stopping)
        watch = Watch("alerts", look, find_wait_s=lambda: LOOK_S)
        watch.start()
        try:
            yield
        finally:
            watch.stop()

    def _raise_noted(self) -> None:
        from ml_connector.flows.alerting.raising import raise_noted  # noqa: PLC0415 - start-up.

        raise_noted(self._alert_desk())

    @once
    def _alert_sender(self) -> "AlertSender":
        from ml_connector.alerting.sender import AppriseSender  # noqa: PLC0415 - start-up time.

        return AppriseSender()

    def _alert_desk(self, is_stopping: Callable[[], bool] = bool) -> "AlertDesk":
        from ml_connector.flows.alerting.desk import AlertDesk  # noqa: PLC0415 - start-up time.

        settings = self.project.settings
        return AlertDesk(
            records=self.records, clock=self.clock, settings=settings.alerts,
            sender=self._alert_sender, secrets=self.vault, holder=self.holder,
            flows=sorted(self.project.flows), schedules=sorted(self.project.schedules),
            url=settings.pages.url, find_ending=self.list_endings,
            find_unread=self.list_unread_certificates,
            is_stopping=is_stopping,
        )  # fmt: skip

    def _view_channel(self, channel: ChannelSettings) -> ChannelView:
        from ml_connector.alerting.sender import name_kind  # noqa: PLC0415 - start-up time.

        kind = problem = ""
        try:
            kind = name_kind(self.vault.read_secret(channel.address))
        except ConnectorError as error:
            problem = error.refused
        # Asked for each: a quiet channel's last message stands behind any number of others.
        last = self.records.alerts.load_deliveries(channel=channel.name, limit=1)
        return ChannelView(channel=channel, kind=kind, problem=problem, last=next(iter(last), None))


class AlertLook:
    """One look at what to raise and to send; what fails is told once and tried again."""

    def __init__(self, house: Alerts, tell: Tell, is_stopping: Callable[[], bool]) -> None:
        self._house = house
        self._is_stopping = is_stopping
        self._once = TellOnce(tell)
        self._watched_at: datetime | None = None
        self._forgot_at: datetime | None = None
        self._away_since: datetime | None = None

    def __call__(self) -> bool:
        """Always True: whoever looks, looks again."""
        now = self._house.clock.now()
        try:
            self._look(now)
        except Exception as error:  # noqa: BLE001 - runs that execute here must not end by it.
            if isinstance(error, DatabaseAwayError):
                self._away_since = self._away_since or now
            self._once.tell("", f"Alerts cannot be looked at: {tell_error(error)}")
        else:
            self._once.forget("")
        return True

    def _look(self, now: datetime) -> None:
        from ml_connector.flows.alerting.raising import (  # noqa: PLC0415 - start-up time.
            raise_alerts,
            raise_noted,
        )
        from ml_connector.flows.alerting.sending import send_due  # noqa: PLC0415 - as above.
        from ml_connector.flows.alerting.watching import (  # noqa: PLC0415 - as above.
            make_outage,
            watch,
        )

        desk = self._house._alert_desk(self._is_stopping)  # noqa: SLF001 - its own other half.
        raise_noted(desk)
        if self._away_since and (now - self._away_since).total_seconds() >= OUTAGE_S_MIN:
            raise_alerts(desk, [make_outage(self._away_since, now, holder=desk.holder)])
        self._away_since = None
        send_due(desk)
        if self._watched_at is None or (now - self._watched_at).total_seconds() >= WATCH_S:
            self._watched_at = now
            watch(desk)
            desk.records.connections.record_minute(now - MINUTES_KEPT)
        if self._forgot_at is None or (now - self._forgot_at).total_seconds() >= FORGET_S:
            self._forgot_at = now
            self._house.forget_history(self._is_stopping)
