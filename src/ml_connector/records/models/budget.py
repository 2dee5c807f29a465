"""The request budget: the last grants of a key, as a ring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Text

    Microseconds = Count


class BudgetHead(Owned):
    """How many grants a key has had; its row lock is the queue.

    Instants are whole microseconds since 1970, so that they are compared and added exactly.
    """

    key: Text = models.TextField()
    size: Count = models.BigIntegerField()
    grants: Count = models.BigIntegerField()
    granted_us: Microseconds = models.BigIntegerField()
    hold_us: Microseconds = models.BigIntegerField()

    class Meta:
        """One per key."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "key"), name="records_budget_one")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.grants}"


class BudgetSlot(Owned):
    """The newest grant in one place of the ring."""

    head: models.ForeignKey[BudgetHead, BudgetHead] = models.ForeignKey(
        BudgetHead, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    head_id: int
    slot: Count = models.BigIntegerField()
    granted_us: Microseconds = models.BigIntegerField()

    class Meta:
        """One row per place of the ring."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "head", "slot"), name="records_budget_slot_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.slot}"
