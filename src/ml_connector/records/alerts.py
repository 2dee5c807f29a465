"""Alerts of one organisation: grouped, told once, and sent by one process at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db.models import F, Q, QuerySet

from ml_connector.domain.alerts import BRIEF, AlertEvent, Severity
from ml_connector.errors import RefusedError, UsageError
from ml_connector.ports import RunState
from ml_connector.ports.alerts import (
    OPEN_DELIVERIES,
    AlertNote,
    AlertRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    NewAlert,
    NewDelivery,
    Occurrence,
)
from ml_connector.records import models
from ml_connector.records.canonical import render_canonical
from ml_connector.records.store import OrganisationStore

ID_CHARS = 12
GOOD_LOOKED_MAX = 100
"""Newest good runs looked through for one that brought something."""
OPEN_MAX = 2_000
"""Alerts that are open at once, of which the newest are shown; there are far fewer."""
ERROR_CHARS_MAX = 500
"""Of what a channel answered; the rest helps nobody."""
GOOD_RUNS = (RunState.SUCCEEDED.value, RunState.PARTLY.value)
LOOKS_ONLY = frozenset({"dry_run", "reconcile"})
"""What a run is asked that is to bring nothing into the model."""
TOLD_STATES = frozenset(RunState) - {RunState.QUEUED, RunState.RUNNING}
"""States of a run that may be worth an alert, or may end one."""
_OPEN = sorted(one.value for one in OPEN_DELIVERIES)


class UnknownAlertError(UsageError):
    """There is no such alert."""

    code = "alerts.unknown"


class AlertSettledError(RefusedError):
    """The alert is over, or somebody looks after it already."""

    code = "alerts.settled"


def note_run(organisation_id: int, run_id: str, state: RunState, at: datetime) -> None:
    """The run's state will be looked at; part of the transaction that stores it."""
    if state in TOLD_STATES:
        models.AlertNote.of(organisation_id).create(
            organisation_id=organisation_id, kind="run", key=run_id, state=state.value, at=at
        )


class AlertRecords(OrganisationStore):
    """A `ports.alerts.AlertStore`."""

    # --- what may be worth an alert ---------------------------------------------------------------

    def record_note(self, kind: str, key: str, *, state: str = "") -> None:
        """It will be looked at; see `ports.alerts.AlertStore`."""
        with self._writing(f"a note of {kind} {key}"):
            models.AlertNote.of(self._id).create(
                organisation_id=self._id, kind=kind, key=key, state=state, at=self._clock.now()
            )

    def load_notes(self, *, limit: int) -> list[AlertNote]:
        """The oldest notes nobody has looked at yet."""
        rows = models.AlertNote.of(self._id).order_by("id")[:limit]
        return [
            AlertNote(number=row.pk, kind=row.kind, key=row.key, state=row.state, at=row.at)
            for row in rows
        ]

    def delete_notes(self, numbers: Collection[int]) -> int:
        """They are looked at; see `ports.alerts.AlertStore`."""
        with self._writing(f"{len(numbers)} notes"):
            return models.AlertNote.of(self._id).filter(pk__in=list(numbers)).delete()[0]

    def find_mark(self, name: str) -> datetime | None:
        """How far something has been looked at."""
        row = models.AlertMark.of(self._id).filter(name=name).first()
        return None if row is None else row.at

    def save_mark(self, name: str, at: datetime) -> None:
        """It has been looked at up to there."""
        with self._writing(f"the mark {name}"):
            models.AlertMark.of(self._id).update_or_create(
                organisation_id=self._id, name=name, defaults={"at": at}
            )

    def find_last_good(self, flow: str) -> datetime | None:
        """When the newest good run of the flow ended; see `ports.alerts.AlertStore`."""
        rows = models.Run.of(self._id).filter(flow=flow, state__in=GOOD_RUNS).order_by("-id")
        newest = rows.values_list("finished_at", "request")
        # As a rule it is the very newest; only behind runs that looked more are read.
        for found in (newest[:1], newest[1:GOOD_LOOKED_MAX]):
            for at, asked in found:
                ended_at: datetime | None = at
                if not any(map(asked.get, LOOKS_ONLY)):
                    return ended_at
        return None

    # --- alerts -----------------------------------------------------------------------------------

    def record_alert(self, alert: NewAlert) -> AlertRow | None:
        """It stands as one alert more, or one time more; see `ports.alerts.AlertStore`."""
        with self._writing(f"the alert {alert.title}"):
            times = models.AlertOccurrence.of(self._id)
            if times.filter(key=alert.key).exists():
                return None
            row = self._open().filter(
                event=alert.event.value, subject=alert.subject, cause=alert.cause
            ).first()  # fmt: skip
            row = self._add(alert) if row is None else self._repeat(row, alert)
            times.create(
                organisation_id=self._id, alert=row, key=alert.key, run_id=alert.run_id,
                text=" ".join(alert.happened) or alert.title, at=alert.at,
            )  # fmt: skip
        return _render(row)

    def save_over(self, alert_ids: Collection[str], *, by: str) -> list[AlertRow]:
        """These alerts are over; see `ports.alerts.AlertStore`."""
        with self._writing(f"the end of {len(alert_ids)} alerts"):
            rows = list(self._open().filter(alert_id__in=list(alert_ids)).order_by("id"))
            for row in rows:
                row.ended_at, row.ended_by = self._clock.now(), by
                row.save(update_fields=["ended_at", "ended_by"])
        return [_render(row) for row in rows]

    def save_acknowledged(self, alert_id: str, *, actor: str, remark: str) -> AlertRow:
        """Somebody looks after it; see `ports.alerts.AlertStore`."""
        with self._writing(f"the acknowledgement of alert {alert_id}"):
            row = self._alerts().filter(alert_id=alert_id).first()
            if row is None:
                raise _unknown(alert_id)
            if row.ended_at is not None or row.acknowledged_at is not None:
                raise _settled(row)
            row.acknowledged_at, row.acknowledged_by = self._clock.now(), actor
            row.remark = remark
            if AlertEvent(row.event) in BRIEF:
                row.ended_at, row.ended_by = row.acknowledged_at, f"acknowledged by {actor}"
            row.save()
        return _render(row)

    def find_alert(self, alert_id: str) -> AlertRow | None:
        """The alert."""
        row = self._alerts().filter(alert_id=alert_id).first()
        return None if row is None else _render(row)

    def load_open(
        self, *, subject: str | None = None, limit: int = 200, before: str = ""
    ) -> list[AlertRow]:
        """Alerts that are not over, the newest first; see `ports.alerts.AlertStore`."""
        rows = self._open() if subject is None else self._open().filter(subject=subject)
        rows = self._older(rows, alert_id=before) if before else rows
        # Without an order: a database that is asked for one walks all alerts in that order.
        found = sorted(rows.order_by()[:OPEN_MAX], key=lambda row: -row.pk)
        return [_render(row) for row in found[:limit]]

    def load_alerts(
        self, *, before: str = "", event: str = "", subject: str = "", limit: int = 100
    ) -> list[AlertRow]:
        """The newest first, from one on if it is named."""
        rows = self._older(self._alerts(), alert_id=before) if before else self._alerts()
        rows = rows.filter(event=event) if event else rows
        rows = rows.filter(subject=subject) if subject else rows
        return [_render(row) for row in rows.order_by("-id")[:limit]]

    def load_occurrences(
        self, alert_id: str, *, limit: int = 50, before: str = ""
    ) -> list[Occurrence]:
        """The newest first; see `ports.alerts.AlertStore`."""
        rows = models.AlertOccurrence.of(self._id).filter(alert_id=self._find_key(alert_id))
        rows = self._older(rows, key=before) if before else rows
        return [
            Occurrence(key=row.key, run_id=row.run_id, text=row.text, at=row.at)
            for row in rows.order_by("-id")[:limit]
        ]

    # --- messages ---------------------------------------------------------------------------------

    def save_deliveries(self, deliveries: Sequence[NewDelivery]) -> int:
        """These messages wait; see `ports.alerts.AlertStore`."""
        if not deliveries:
            return 0
        with self._writing(f"{len(deliveries)} messages"):
            named = {one.alert_id for one in deliveries}
            alerts = {row.alert_id: row for row in self._alerts().filter(alert_id__in=named)}
            made = [self._make_delivery(alerts[one.alert_id], one) for one in deliveries]
            known = set(
                self._deliveries().filter(alert__in=alerts.values())
                .values_list("alert_id", "channel", "kind", "number")
            )  # fmt: skip
            new = [
                one
                for one in made
                if (one.alert_id, one.channel, one.kind, one.number) not in known
            ]
            models.AlertDelivery.objects.bulk_create(new)
            self._alerts().filter(pk__in=[one.alert_id for one in new]).update(
                told_count=F("count"), told_at=self._clock.now()
            )
        return len(new)

    def load_told(self, alert_id: str) -> list[str]:
        """Channels that heard that the alert was raised; see `ports.alerts.AlertStore`."""
        heard = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNCLEAR)
        rows = self._deliveries().filter(
            alert_id=self._find_key(alert_id),
            kind=DeliveryKind.RAISED.value,
            state__in=[one.value for one in heard],
        )
        return sorted(rows.values_list("channel", flat=True))

    def claim_deliveries(
        self, *, holder: str, seconds: int, lapses_max: int, limit: int
    ) -> list[DeliveryRow]:
        """What is due is this holder's to send; see `ports.alerts.AlertStore`."""
        now = self._read_now()
        due = self._deliveries().filter(state__in=_OPEN, due_at__lte=now)
        if not due.exists():
            return []
        with self._writing("who sends which message"):
            rows = list(due.order_by("due_at", "id").prefetch_related("alert")[:limit])
            claimed = [row for row in rows if _claim(row, holder=holder, lapses_max=lapses_max)]
            for row in rows:
                row.due_at = now + timedelta(seconds=seconds)
                row.save(update_fields=["state", "holder", "lapses", "attempts", "due_at", "error"])
        return [_render_delivery(row) for row in claimed]

    def save_sent(self, number: int, *, holder: str) -> bool:
        """The channel took it; see `ports.alerts.AlertStore`."""
        with self._writing(f"message {number}"):
            changed = self._held(number, holder).update(
                state=DeliveryState.SENT.value, sent_at=self._clock.now(), error=""
            )
        return bool(changed)

    def save_unsent(self, number: int, *, holder: str, error: str, due_at: datetime | None) -> bool:
        """The channel did not take it; see `ports.alerts.AlertStore`."""
        changes: dict[str, Any] = {"error": error[:ERROR_CHARS_MAX]}
        if due_at is None:
            changes["state"] = DeliveryState.FAILED.value
        else:
            changes |= {"state": DeliveryState.WAITING.value, "due_at": due_at}
        with self._writing(f"message {number}"):
            return bool(self._held(number, holder).update(**changes))

    def save_skipped(self, number: int, *, holder: str, reason: str) -> bool:
        """Nobody needs the message any more; see `ports.alerts.AlertStore`."""
        with self._writing(f"message {number}"):
            return bool(
                self._held(number, holder).update(state=DeliveryState.SKIPPED.value, error=reason)
            )

    def save_again(self, number: int) -> bool:
        """A message that failed or is unclear waits anew; see `ports.alerts.AlertStore`."""
        ended = (DeliveryState.FAILED.value, DeliveryState.UNCLEAR.value)
        with self._writing(f"message {number}"):
            rows = self._deliveries().filter(pk=number, state__in=ended, alert__isnull=False)
            return bool(
                rows.update(
                    state=DeliveryState.WAITING.value, due_at=self._read_now(), attempts=0, lapses=0
                )
            )

    def record_test(self, channel: str, *, error: str) -> None:
        """A test message was sent, or not."""
        now = self._clock.now()
        state = DeliveryState.FAILED if error else DeliveryState.SENT
        with self._writing(f"the test of channel {channel}"):
            self._deliveries().create(
                organisation_id=self._id, alert=None, channel=channel,
                kind=DeliveryKind.TEST.value, state=state.value, made_at=now, due_at=now,
                attempts=1, sent_at=None if error else now, error=error[:ERROR_CHARS_MAX],
            )  # fmt: skip

    def load_deliveries(
        self, *, alert_id: str = "", channel: str = "", limit: int = 50, before: int = 0
    ) -> list[DeliveryRow]:
        """The newest first; see `ports.alerts.AlertStore`."""
        rows = self._deliveries().prefetch_related("alert")
        rows = rows.filter(pk__lt=before) if before else rows
        rows = rows.filter(alert_id=self._find_key(alert_id)) if alert_id else rows
        rows = rows.filter(channel=channel) if channel else rows
        return [_render_delivery(row) for row in rows.order_by("-id")[:limit]]

    # --- rows -------------------------------------------------------------------------------------

    def _alerts(self) -> QuerySet[models.Alert]:
        return models.Alert.of(self._id)

    def _open(self) -> QuerySet[models.Alert]:
        return self._alerts().filter(ended_at__isnull=True)

    def _deliveries(self) -> QuerySet[models.AlertDelivery]:
        return models.AlertDelivery.of(self._id)

    def _held(self, number: int, holder: str) -> QuerySet[models.AlertDelivery]:
        return self._deliveries().filter(
            Q(pk=number), state=DeliveryState.SENDING.value, holder=holder
        )

    def _find_key(self, alert_id: str) -> int:
        """The number of the alert's row; none has 0. Joined, a database may read all alerts."""
        row = self._alerts().filter(alert_id=alert_id).values_list("pk", flat=True).first()
        return row or 0

    def _add(self, alert: NewAlert) -> models.Alert:
        row = models.Alert(
            organisation_id=self._id, alert_id=_name(alert), event=alert.event.value,
            subject=alert.subject, cause=alert.cause, first_at=alert.at, **_tell(alert),
        )  # fmt: skip
        row.save()
        return row

    def _repeat(self, row: models.Alert, alert: NewAlert) -> models.Alert:
        for name, value in _tell(alert).items():
            setattr(row, name, value)
        row.count += 1
        row.save()
        return row

    def _make_delivery(self, alert: models.Alert, new: NewDelivery) -> models.AlertDelivery:
        return models.AlertDelivery(
            organisation_id=self._id, alert_id=alert.pk, channel=new.channel, kind=new.kind.value,
            number=new.number, state=DeliveryState.WAITING.value, made_at=self._clock.now(),
            due_at=new.due_at,
        )  # fmt: skip


def _name(alert: NewAlert) -> str:
    """The same alert has the same name, whoever records it and however often."""
    text = render_canonical([alert.event.value, alert.subject, alert.cause, alert.key])
    return sha256(text.encode()).hexdigest()[:ID_CHARS]


def _tell(alert: NewAlert) -> dict[str, Any]:
    return {
        "severity": alert.severity.value, "run_id": alert.run_id, "title": alert.title,
        "happened": list(alert.happened), "written": alert.written, "next_step": alert.next_step,
        "last_at": alert.at,
    }  # fmt: skip


def _claim(row: models.AlertDelivery, *, holder: str, lapses_max: int) -> bool:
    """Whether the message is to be sent once more, after all the times it may have been."""
    if row.state == DeliveryState.SENDING.value:
        row.lapses += 1
        if row.lapses > lapses_max:
            row.state = DeliveryState.UNCLEAR.value
            row.error = "The processes that sent it ended before they noted it."
            return False
    row.state, row.holder = DeliveryState.SENDING.value, holder
    row.attempts += 1
    return True


def _unknown(alert_id: str) -> UnknownAlertError:
    return UnknownAlertError(
        f"There is no alert {alert_id!r}.",
        written="Nothing was changed.",
        next_step="List them: `ml-connector alerts list`.",
        alert=alert_id,
    )


def _settled(row: models.Alert) -> AlertSettledError:
    how = (
        f"is over: {row.ended_by}" if row.ended_at
        else f"was acknowledged by {row.acknowledged_by} already"
    )  # fmt: skip
    return AlertSettledError(
        f"The alert {row.alert_id} {how}.",
        written="Nothing was changed.",
        next_step="List what is open: `ml-connector alerts list`.",
        alert=row.alert_id,
    )


def _render(row: models.Alert) -> AlertRow:
    return AlertRow(
        alert_id=row.alert_id, event=AlertEvent(row.event), severity=Severity(row.severity),
        subject=row.subject, cause=row.cause, run_id=row.run_id, title=row.title,
        happened=tuple(row.happened), written=row.written, next_step=row.next_step,
        count=row.count, told_count=row.told_count, told_at=row.told_at, first_at=row.first_at,
        last_at=row.last_at, ended_at=row.ended_at, ended_by=row.ended_by,
        acknowledged_at=row.acknowledged_at, acknowledged_by=row.acknowledged_by,
        remark=row.remark,
    )  # fmt: skip


def _render_delivery(row: models.AlertDelivery) -> DeliveryRow:
    return DeliveryRow(
        number=row.pk, alert=None if row.alert is None else _render(row.alert),
        channel=row.channel, kind=DeliveryKind(row.kind), state=DeliveryState(row.state),
        made_at=row.made_at, due_at=row.due_at, attempts=row.attempts, lapses=row.lapses,
        holder=row.holder, sent_at=row.sent_at, error=row.error,
    )  # fmt: skip
