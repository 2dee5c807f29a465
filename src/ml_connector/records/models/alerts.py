"""What people are told of by themselves: alerts, what raised them, and who was sent what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Document, Instant, MaybeInstant, Text


class AlertNote(Owned):
    """Something that may be worth an alert; stored with what it tells of, gone once looked at."""

    kind: Text = models.TextField()
    key: Text = models.TextField()
    state: Text = models.TextField(default="")
    at: Instant = models.DateTimeField()

    class Meta:
        """Looked at in the order they came."""

        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "id"), name="records_alert_note_order")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class AlertMark(Owned):
    """How far something that nobody notes has been looked at."""

    name: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """One per name."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "name"), name="records_alert_mark_one")
        ]

    def __str__(self) -> str:
        return self.name


class Alert(Owned):
    """One thing people should know, however often it happens before it is over."""

    alert_id: Text = models.TextField()
    event: Text = models.TextField()
    severity: Text = models.TextField()
    subject: Text = models.TextField()
    cause: Text = models.TextField()
    run_id: Text = models.TextField(default="")
    title: Text = models.TextField()
    happened: Document = models.JSONField(default=list)
    written: Text = models.TextField(default="")
    next_step: Text = models.TextField(default="")
    count: Count = models.BigIntegerField(default=1)
    told_count: Count = models.BigIntegerField(default=0)
    told_at: MaybeInstant = models.DateTimeField(null=True)
    first_at: Instant = models.DateTimeField()
    last_at: Instant = models.DateTimeField()
    ended_at: MaybeInstant = models.DateTimeField(null=True)
    ended_by: Text = models.TextField(default="")
    acknowledged_at: MaybeInstant = models.DateTimeField(null=True)
    acknowledged_by: Text = models.TextField(default="")
    remark: Text = models.TextField(default="")

    class Meta:
        """One that is not over for each event, subject and cause."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "alert_id"), name="records_alert_one"),
            models.UniqueConstraint(
                fields=("organisation", "event", "subject", "cause"),
                condition=models.Q(ended_at__isnull=True),
                name="records_alert_one_open",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "-id"), name="records_alert_by_age"),
            models.Index(
                fields=("organisation", "subject"),
                condition=models.Q(ended_at__isnull=True),
                name="records_alert_open",
            ),
            models.Index(
                fields=("organisation", "ended_at"),
                condition=models.Q(ended_at__isnull=False),
                name="records_alert_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class AlertOccurrence(Owned):
    """One time it happened; the same time told twice is one."""

    alert: models.ForeignKey[Alert, Alert] = models.ForeignKey(
        Alert, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    alert_id: int
    key: Text = models.TextField()
    run_id: Text = models.TextField(default="")
    text: Text = models.TextField(default="")
    at: Instant = models.DateTimeField()

    class Meta:
        """One per key; listed by alert, which a database finds its own way when it goes."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "key"), name="records_alert_occurrence_one"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "alert", "-id"), name="records_alert_occurrences"),
            models.Index(fields=("alert",), name="records_alert_occurrence_of"),
        ]

    def __str__(self) -> str:
        return self.key


class AlertDelivery(Owned):
    """One message to one channel; without an alert it is a test somebody asked for."""

    alert: models.ForeignKey[Alert | None, Alert | None] = models.ForeignKey(
        Alert, on_delete=models.PROTECT, related_name="+", db_index=False, null=True
    )
    alert_id: int | None
    channel: Text = models.TextField()
    kind: Text = models.TextField()
    number: Count = models.BigIntegerField(default=1)
    state: Text = models.TextField()
    made_at: Instant = models.DateTimeField()
    due_at: Instant = models.DateTimeField()
    attempts: Count = models.BigIntegerField(default=0)
    lapses: Count = models.BigIntegerField(default=0)
    holder: Text = models.TextField(default="")
    sent_at: MaybeInstant = models.DateTimeField(null=True)
    error: Text = models.TextField(default="")

    class Meta:
        """One per alert, channel and reason to tell; what is due is found at once."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "alert", "channel", "kind", "number"),
                name="records_alert_delivery_one",
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "state", "due_at"), name="records_alert_delivery_due"
            ),
            models.Index(fields=("organisation", "alert", "-id"), name="records_alert_deliveries"),
            models.Index(fields=("organisation", "-id"), name="records_alert_delivery_by_age"),
            models.Index(
                fields=("organisation", "channel", "-id"), name="records_alert_delivery_channel"
            ),
            models.Index(
                fields=("organisation", "made_at"),
                condition=models.Q(alert__isnull=True),
                name="records_alert_channel_tests",
            ),
            models.Index(fields=("alert",), name="records_alert_delivery_of"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.channel}"
