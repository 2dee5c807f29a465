"""Periods that people have signed, and what was taken back of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Instant, Text


class SignOff(Owned):
    """One signature; triggers refuse to change or remove it."""

    sign_off_id: Text = models.TextField()
    flow: Text = models.TextField()
    ledger: Text = models.TextField()
    period: Text = models.TextField()
    number: Count = models.BigIntegerField()
    proof_hash: Text = models.TextField()
    run_id: Text = models.TextField()
    signed_by: Text = models.TextField()
    comment: Text = models.TextField()
    stated: Text = models.TextField()
    signed_at: Instant = models.DateTimeField()

    class Meta:
        """One per number of a period, so that of two people at once one is the first."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "ledger", "period", "number"),
                name="records_sign_off_one_number",
            ),
            models.UniqueConstraint(
                fields=("organisation", "sign_off_id"), name="records_sign_off_one_id"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "-id"), name="records_sign_off_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.ledger} {self.period} number {self.number}"


class Withdrawal(Owned):
    """A signature taken back; triggers refuse to change or remove that too."""

    sign_off: models.ForeignKey[SignOff, SignOff] = models.ForeignKey(
        SignOff, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    sign_off_id: int
    actor: Text = models.TextField()
    reason: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """A signature is taken back once."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "sign_off"), name="records_withdrawal_once"
            )
        ]

    def __str__(self) -> str:
        return f"sign-off {self.sign_off_id} by {self.actor}"
