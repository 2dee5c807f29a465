"""Schedules, and every time of theirs that came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.ports.schedules import OPEN_FIRINGS
from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import (
        Count,
        Document,
        Flag,
        Instant,
        MaybeInstant,
        Text,
    )


class Schedule(Owned):
    """One schedule; the row outlives its file, and with it a pause."""

    name: Text = models.TextField()
    flow: Text = models.TextField()
    definition: Document = models.JSONField(default=dict)
    is_listed: Flag = models.BooleanField(default=True)
    next_due_at: MaybeInstant = models.DateTimeField(null=True)
    paused_by: Text = models.TextField(default="")
    paused_at: MaybeInstant = models.DateTimeField(null=True)
    done_at: MaybeInstant = models.DateTimeField(null=True)
    since_at: MaybeInstant = models.DateTimeField(null=True)

    class Meta:
        """One per name; what is due is found by its index."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "name"), name="records_schedule_one")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "next_due_at"),
                condition=models.Q(next_due_at__isnull=False),
                name="records_schedule_due",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Firing(Owned):
    """One time of a schedule; the database refuses a second one."""

    schedule: Text = models.TextField()
    flow: Text = models.TextField()
    due_at: Instant = models.DateTimeField()
    run_id: Text = models.TextField()
    state: Text = models.TextField()
    reason: Text = models.TextField(default="")
    actor: Text = models.TextField()
    request: Document = models.JSONField(default=dict)
    looks: Count = models.BigIntegerField(default=0)
    looked_at: Instant = models.DateTimeField()
    ended_at: MaybeInstant = models.DateTimeField(null=True)

    class Meta:
        """One per time of a schedule; the open ones are few and found by their own index."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "schedule", "due_at"), name="records_firing_one"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "looked_at"),
                condition=models.Q(state__in=sorted(state.value for state in OPEN_FIRINGS)),
                name="records_firing_open",
            ),
            models.Index(
                fields=("organisation", "ended_at"),
                condition=models.Q(ended_at__isnull=False),
                name="records_firing_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.due_at:%Y-%m-%d %H:%M:%S}"
