"""The right to write into a model, and the stored decisions to do so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.ports import IntentState
from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Instant, Text

UNSETTLED_STATES = (IntentState.OPEN.value, IntentState.UNKNOWN.value)
"""States of an intent whose task may be running in the model."""


class ModelLease(Owned):
    """Who may write into a model; the row stays for ever, so that the fence only grows."""

    model_id: Text = models.TextField()
    holder: Text = models.TextField()
    fence: Count = models.BigIntegerField()
    seconds: Count = models.BigIntegerField()
    expires_at: Instant = models.DateTimeField()

    class Meta:
        """One per model."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "model_id"), name="records_lease_one")
        ]

    def __str__(self) -> str:
        return f"{self.model_id} fence {self.fence}"


class Intent(Owned):
    """One decision to start one task; the database refuses a second unsettled one per model."""

    intent_id: Text = models.TextField()
    run_id: Text = models.TextField()
    model_id: Text = models.TextField()
    action_id: Text = models.TextField()
    action_name: Text = models.TextField()
    content_hash: Text = models.TextField()
    state: Text = models.TextField()
    task_id: Text = models.TextField()
    made_at: Instant = models.DateTimeField()
    fence: Count = models.BigIntegerField()

    class Meta:
        """One per content of a run, one unsettled per model."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "intent_id"), name="records_intent_one_id"
            ),
            models.UniqueConstraint(
                fields=("organisation", "run_id", "model_id", "action_id", "content_hash"),
                name="records_intent_one_content",
            ),
            models.UniqueConstraint(
                fields=("organisation", "model_id"),
                condition=models.Q(state__in=UNSETTLED_STATES),
                name="records_intent_one_unsettled",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "task_id"),
                opclasses=("int8_ops", "text_pattern_ops"),
                name="records_intent_task",
            ),
            models.Index(
                fields=("organisation", "action_id", "task_id"), name="records_intent_by_task"
            ),
            models.Index(
                fields=("organisation", "model_id", "state", "made_at"),
                name="records_intent_by_model",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.intent_id} {self.state}"
