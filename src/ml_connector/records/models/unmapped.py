"""What the rules reach and what they do not, as placing last found it, by planning period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

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


class PlacedPeriod(Owned):
    """A planning period as it was last placed; the archived document holds its amounts by rule."""

    flow: Text = models.TextField()
    member: Text = models.TextField()
    mapping_hash: Text = models.TextField()
    document: Text = models.TextField()
    run_id: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """One per planning period of a flow."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "member"), name="records_placed_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.member}"


class UnmappedValue(Owned):
    """A value that no rule of a dimension takes; it outlives its amounts, for owner and history.

    `totals` holds debits, credits and lines by currency, as text; `stake` the largest amount of any
    currency in whole units, which orders the queue.
    """

    flow: Text = models.TextField()
    dimension: Text = models.TextField()
    fact: Text = models.TextField()
    value: Text = models.TextField()
    is_open: Flag = models.BooleanField(default=True)
    first_seen_at: Instant = models.DateTimeField()
    first_run_id: Text = models.TextField()
    sample: Document = models.JSONField(default=dict)
    totals: Document = models.JSONField(default=dict)
    members: Document = models.JSONField(default=list)
    lines: Count = models.BigIntegerField(default=0)
    stake: Count = models.BigIntegerField(default=0)
    owner: Text = models.TextField(default="")
    note: Text = models.TextField(default="")
    assigned_by: Text = models.TextField(default="")
    assigned_at: MaybeInstant = models.DateTimeField(null=True)

    class Meta:
        """One per value; the queue is read in the order of its index."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "dimension", "fact", "value"),
                name="records_unmapped_one",
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "-stake", "id"),
                condition=models.Q(is_open=True),
                name="records_unmapped_queue",
            ),
            models.Index(
                fields=("organisation", "flow", "-stake", "id"),
                condition=models.Q(is_open=True),
                name="records_unmapped_of_flow",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.dimension}: {self.fact}={self.value}"


class UnmappedAmount(Owned):
    """What lies on an unmapped value in one ledger period and currency; amounts as text."""

    value: models.ForeignKey[UnmappedValue, UnmappedValue] = models.ForeignKey(
        UnmappedValue, on_delete=models.CASCADE, related_name="amounts", db_index=False
    )
    value_id: int
    flow: Text = models.TextField()
    member: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()
    currency: Text = models.TextField()
    debit: Text = models.TextField()
    credit: Text = models.TextField()
    lines: Count = models.BigIntegerField()

    class Meta:
        """Replaced by planning period, whenever that is placed again."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "value", "member", "ledger", "period", "currency"),
                name="records_unmapped_amount_one",
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "flow", "member"), name="records_unmapped_by_member"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ledger} {self.period} {self.currency}"
