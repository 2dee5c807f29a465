"""How each period of each ledger stands, and each time it came to stand otherwise."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import (
        Document,
        Flag,
        Instant,
        MaybeText,
        Text,
    )

    MaybeDate = models.DateField[date | None, date | None]


class Standing(Owned):
    """The newest standing of one period of one ledger in one flow.

    Cells of no single ledger stand under the planning period's name for a period.
    """

    flow: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()
    member: Text = models.TextField()
    date_first: MaybeDate = models.DateField(null=True)
    date_last: MaybeDate = models.DateField(null=True)
    status: Text = models.TextField(default="")
    stages: Document = models.JSONField()
    amounts: Document = models.JSONField()
    content_hash: Text = models.TextField()
    report: Text = models.TextField(default="")
    proof_hash: Text = models.TextField()
    run_id: Text = models.TextField()
    at: Instant = models.DateTimeField()
    changed_at: Instant = models.DateTimeField()
    target: MaybeText = models.TextField(null=True)  # noqa: DJ001 - unknown of older code.

    class Meta:
        """One per flow, ledger and period; months are found by their end."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "ledger", "period"), name="records_standing_one"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "date_last"), name="records_standing_ends"),
            models.Index(fields=("organisation", "flow", "member"), name="records_standing_member"),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.ledger} {self.period}"


class StandingChange(Owned):
    """One time a standing came to say something else."""

    flow: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()
    is_tied: Flag = models.BooleanField()
    has_unexplained: Flag = models.BooleanField()
    proof_hash: Text = models.TextField()
    run_id: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """The past of a period is read along its index."""

        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "flow", "ledger", "period", "at"),
                name="records_standing_past",
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.ledger} {self.period} {self.at:%Y-%m-%d %H:%M:%S}"
