"""Periods of ledgers as they were last seen, what became of them, and maintenance of systems."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Flag, Instant, MaybeInstant, Text

    Day = models.DateField[date, date]


class PeriodWatch(Owned):
    """When the periods of a connection are looked at next, by whichever process comes first."""

    connection: Text = models.TextField()
    next_look_at: Instant = models.DateTimeField()
    looked_at: MaybeInstant = models.DateTimeField(null=True)
    failures: Count = models.BigIntegerField(default=0)
    problem: Text = models.TextField(default="")

    class Meta:
        """One per connection."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "connection"), name="records_watch_one")
        ]

    def __str__(self) -> str:
        return self.connection


class KnownPeriod(Owned):
    """A period of a ledger, and the state it was last seen in."""

    connection: Text = models.TextField()
    ledger: Text = models.TextField()
    name: Text = models.TextField()
    calendar: Text = models.TextField()
    year: Count = models.BigIntegerField()
    number: Count = models.BigIntegerField()
    date_first: Day = models.DateField()
    date_last: Day = models.DateField()
    is_adjustment: Flag = models.BooleanField(default=False)
    state: Text = models.TextField(default="")
    seen_at: MaybeInstant = models.DateTimeField(null=True)

    class Meta:
        """One per ledger and name."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "connection", "ledger", "name"),
                name="records_period_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.ledger} {self.name}"


class PeriodEvent(Owned):
    """A period was seen closed, or opened; each time it was has its number."""

    connection: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()
    kind: Text = models.TextField()
    number: Count = models.BigIntegerField()
    at: Instant = models.DateTimeField()

    class Meta:
        """No two at one instant: a firing is found by it."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "connection", "ledger", "period", "kind", "number"),
                name="records_period_event_one",
            ),
            models.UniqueConstraint(fields=("organisation", "at"), name="records_period_event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.ledger} {self.period} {self.kind} {self.number}"


class MaintenanceWindow(Owned):
    """A window in which no run begins that uses the connection."""

    key: Text = models.TextField()
    connection: Text = models.TextField()
    begins: Text = models.TextField()
    ends: Text = models.TextField()
    zone: Text = models.TextField()
    reason: Text = models.TextField(default="")
    is_filed: Flag = models.BooleanField(default=False)
    added_by: Text = models.TextField()
    added_at: Instant = models.DateTimeField()

    class Meta:
        """One per key."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "key"), name="records_maintenance_one")
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.begins} to {self.ends}"
