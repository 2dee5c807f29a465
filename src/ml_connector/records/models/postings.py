"""Postings into an ERP, the plans they belong to, and what people said of these.

What must never happen is refused by unique keys here and by the triggers of migration 0007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.ports import UNSETTLED_POSTINGS, ApprovalState, PostingState
from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import (
        Count,
        Document,
        Flag,
        Instant,
        MaybeInstant,
        MaybeText,
        Text,
    )


class Posting(Owned):
    """One write into an ERP; kept for ever."""

    posting_key: Text = models.TextField()
    flow: Text = models.TextField()
    run_id: Text = models.TextField()
    plan_hash: Text = models.TextField()
    connection: Text = models.TextField()
    kind: Text = models.TextField()
    subject: Text = models.TextField()
    generation: Count = models.BigIntegerField()
    content_hash: Text = models.TextField()
    totals: Document = models.JSONField()
    state: Text = models.TextField()
    receipt: Document = models.JSONField(default=dict)
    reason: Text = models.TextField(default="")
    reverses: Text = models.TextField(default="")
    reversed_by: Text = models.TextField(default="")
    made_at: Instant = models.DateTimeField()
    sent_at: MaybeInstant = models.DateTimeField(null=True)
    settled_at: MaybeInstant = models.DateTimeField(null=True)

    class Meta:
        """One per key and per place in a plan; one unsettled per subject, one reversal each."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "posting_key"), name="records_posting_one_key"
            ),
            models.UniqueConstraint(
                fields=("organisation", "flow", "plan_hash", "subject", "generation"),
                name="records_posting_one_place",
            ),
            models.UniqueConstraint(
                fields=("organisation", "connection", "subject"),
                condition=models.Q(state__in=sorted(s.value for s in UNSETTLED_POSTINGS)),
                name="records_posting_one_unsettled",
            ),
            models.UniqueConstraint(
                fields=("organisation", "reverses"),
                condition=~models.Q(reverses="") & ~models.Q(state=PostingState.REFUSED.value),
                name="records_posting_one_reversal",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "plan_hash"), name="records_posting_by_plan"),
            models.Index(
                fields=("organisation", "connection", "id"), name="records_posting_by_conn"
            ),
            models.Index(fields=("organisation", "-id"), name="records_posting_by_age"),
            models.Index(fields=("organisation", "flow", "-id"), name="records_posting_by_flow"),
            models.Index(fields=("organisation", "run_id", "-id"), name="records_posting_by_run"),
        ]

    def __str__(self) -> str:
        return f"{self.posting_key} {self.state}"


class Approval(Owned):
    """A plan that waits for people, or did.

    `amounts` holds decimal text by currency. `maker_person` is the maker as people are compared.
    `applied_run` is the one run that applies it; None before, and of what an older version applied.
    """

    plan_hash: Text = models.TextField()
    flow: Text = models.TextField()
    run_id: Text = models.TextField()
    maker: Text = models.TextField()
    maker_person: Text = models.TextField()
    needed: Count = models.BigIntegerField()
    amounts: Document = models.JSONField()
    totals: Document = models.JSONField()
    state: Text = models.TextField()
    made_at: Instant = models.DateTimeField()
    expires_at: Instant = models.DateTimeField()
    applied_run: MaybeText = models.TextField(null=True)  # noqa: DJ001 - unknown of older code.

    class Meta:
        """One per plan, one waiting per flow."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "plan_hash"), name="records_approval_one"
            ),
            models.UniqueConstraint(
                fields=("organisation", "flow"),
                condition=models.Q(state=ApprovalState.WAITING.value),
                name="records_approval_one_waiting",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "flow", "id"), name="records_approval_by_flow"),
            models.Index(fields=("organisation", "-id"), name="records_approval_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_hash} {self.state}"


class Decision(Owned):
    """What one person said of a plan; `person` is the actor as people are compared."""

    approval: models.ForeignKey[Approval, Approval] = models.ForeignKey(
        Approval, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    approval_id: int
    actor: Text = models.TextField()
    person: Text = models.TextField()
    is_approval: Flag = models.BooleanField()
    reason: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """One per person and plan."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "approval", "person"), name="records_decision_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.actor} {'approves' if self.is_approval else 'rejects'}"
