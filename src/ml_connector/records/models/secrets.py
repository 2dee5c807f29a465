"""Sealed secrets; records never sees a plain text or a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Instant, Text


class Secret(Owned):
    """One sealed secret under its name."""

    name: Text = models.TextField()
    key_id: Text = models.TextField()
    blob: models.BinaryField[bytes, bytes | memoryview] = models.BinaryField()
    saved_at: Instant = models.DateTimeField()

    class Meta:
        """One per name."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "name"), name="records_secret_one")
        ]

    def __str__(self) -> str:
        return self.name
