"""Which batches are archived in which revision, and which periods that concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Document, Flag, Instant, Text


class Watermark(Owned):
    """Server time up to which every change of a connection is archived."""

    connection: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """One per connection."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "connection"), name="records_watermark_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.at}"


class BatchRevision(Owned):
    """One revision of one batch; all are kept, one is current.

    `periods` holds the (ledger, period) pairs for reading back; `BatchPeriod` is the same turned
    around, for finding the batches of a period.
    """

    connection: Text = models.TextField()
    batch_id: Text = models.TextField()
    revision: Count = models.BigIntegerField()
    is_current: Flag = models.BooleanField()
    is_removed: Flag = models.BooleanField()
    updated_at: Instant = models.DateTimeField()
    version: Text = models.TextField(default="")
    file_hash: Text = models.TextField()
    content_hash: Text = models.TextField()
    lines: Count = models.BigIntegerField()
    name: Text = models.TextField()
    run_id: Text = models.TextField()
    periods: Document = models.JSONField()

    class Meta:
        """One row per number, one current row per batch."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "connection", "batch_id", "revision"),
                name="records_revision_one_number",
            ),
            models.UniqueConstraint(
                fields=("organisation", "connection", "batch_id"),
                condition=models.Q(is_current=True),
                name="records_revision_one_current",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.batch_id} revision {self.revision}"


class BatchPeriod(Owned):
    """A current, not removed revision has lines in this period of this ledger."""

    revision: models.ForeignKey[BatchRevision, BatchRevision] = models.ForeignKey(
        BatchRevision, on_delete=models.PROTECT, related_name="+"
    )
    revision_id: int
    connection: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()

    class Meta:
        """Found by period."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "connection", "ledger", "period", "revision"),
                name="records_batch_period_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.ledger} {self.period}"


class PendingBatch(Owned):
    """A batch that was entered and not wholly posted when it was last looked at."""

    connection: Text = models.TextField()
    batch_id: Text = models.TextField()

    class Meta:
        """One per connection and batch."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "connection", "batch_id"), name="records_pending_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.batch_id}"


class WholePeriod(Owned):
    """A period that has been read whole and tied to the ERP."""

    connection: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()
    run_id: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """One per connection, ledger and period."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "connection", "ledger", "period"),
                name="records_whole_period_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.ledger} {self.period}"


class TouchedPeriod(Owned):
    """A period the flow still owes its model."""

    flow: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()

    class Meta:
        """One per flow, ledger and period."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "ledger", "period"),
                name="records_touched_period_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.ledger} {self.period}"
