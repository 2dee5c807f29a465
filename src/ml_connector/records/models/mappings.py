"""Versions of mapping rules, and which of them a model holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Flag, Instant, Text


class MappingVersion(Owned):
    """The content of a flow's mapping rules, numbered from 1; never changed."""

    flow: Text = models.TextField()
    number: Count = models.BigIntegerField()
    content_hash: Text = models.TextField()
    content: Text = models.TextField()
    actor: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """One number and one hash per version of a flow."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "number"), name="records_mapping_one_number"
            ),
            models.UniqueConstraint(
                fields=("organisation", "flow", "content_hash"), name="records_mapping_one_hash"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "content_hash"), name="records_mapping_by_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.flow} version {self.number}"


class MappingRevision(Owned):
    """A deed in the history of a flow's rules: from then on its content was in force.

    `is_kept` says whether the records keep the rules, or the project's file does.
    """

    flow: Text = models.TextField()
    number: Count = models.BigIntegerField()
    content_hash: Text = models.TextField()
    rules: Count = models.BigIntegerField()
    is_kept: Flag = models.BooleanField()
    deed: Text = models.TextField()
    comment: Text = models.TextField(default="")
    actor: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """Numbered from 1 within a flow; never changed."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "number"), name="records_mapping_revision_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} revision {self.number}"


class MappingApplied(Owned):
    """The version whose amounts the flow's model holds.

    `explained_hash` is the file of what the combinations of keyed charts stood for.
    """

    flow: Text = models.TextField()
    content_hash: Text = models.TextField()
    explained_hash: Text = models.TextField(default="")
    at: Instant = models.DateTimeField()

    class Meta:
        """One per flow."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow"), name="records_mapping_applied_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.content_hash}"
