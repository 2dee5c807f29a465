"""The audit chain: links that nothing changes or removes, and the newest of them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Text


class AuditLink(Owned):
    """One link; all text exactly as it was hashed, instants and details included."""

    number: Count = models.BigIntegerField()
    at: Text = models.TextField()
    actor: Text = models.TextField()
    event: Text = models.TextField()
    subject: Text = models.TextField()
    run_id: Text = models.TextField()
    details: Text = models.TextField()
    hash_before: Text = models.TextField()
    hash_after: Text = models.TextField()

    class Meta:
        """One link per number."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "number"), name="records_audit_one_number"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "run_id", "event"), name="records_audit_by_run"),
            models.Index(
                fields=("organisation", "subject"),
                opclasses=("int8_ops", "text_pattern_ops"),
                name="records_audit_by_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.event}"


class AuditHead(Owned):
    """How long the chain is and how it ends; without it a cut tail would go unnoticed."""

    number: Count = models.BigIntegerField()
    hash_after: Text = models.TextField()

    class Meta:
        """One head per organisation."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation",), name="records_audit_one_head")
        ]

    def __str__(self) -> str:
        return str(self.number)
