"""What was found when connections were tested, and how many requests each minute took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Document, Flag, Instant, Text


class ConnectionTest(Owned):
    """One look at a connection: reach, log-in, rights."""

    connection: Text = models.TextField()
    actor: Text = models.TextField()
    at: Instant = models.DateTimeField()
    milliseconds: Count = models.BigIntegerField()
    is_whole: Flag = models.BooleanField()
    checks: Document = models.JSONField()

    class Meta:
        """The newest of a connection is found at once."""

        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "connection", "-id"), name="records_connection_test_new"
            ),
            models.Index(fields=("organisation", "at"), name="records_connection_test_age"),
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.at}"


class BudgetMinute(Owned):
    """How many requests had been granted under a key when a minute began."""

    key: Text = models.TextField()
    minute: Instant = models.DateTimeField()
    grants: Count = models.BigIntegerField()

    class Meta:
        """One per key and minute."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "key", "minute"), name="records_budget_minute_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.minute}"
