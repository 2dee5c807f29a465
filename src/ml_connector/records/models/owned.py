"""What all rows share: the organisation that owns them, and the types of their fields."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from ml_connector.records.models.people import Organisation

if TYPE_CHECKING:
    # The stubs name the types of a field's two sides only by plugin; these say them aloud.
    Text = models.TextField[str, str]
    MaybeText = models.TextField[str | None, str | None]
    Count = models.BigIntegerField[int, int]
    Flag = models.BooleanField[bool, bool]
    Instant = models.DateTimeField[datetime, datetime]
    MaybeInstant = models.DateTimeField[datetime | None, datetime | None]
    Document = models.JSONField[Any, Any]


class Owned(models.Model):
    """A row that belongs to one organisation; read it through `of`, which sees no other's."""

    organisation: models.ForeignKey[Organisation, Organisation] = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # Every unique key and index begins with the organisation, so its own index would be idle.
    organisation_id: int

    class Meta:
        """No table of its own."""

        abstract = True

    @classmethod
    def of(cls, organisation_id: int) -> models.QuerySet[Self]:
        """The rows of one organisation."""
        return cls._default_manager.filter(organisation_id=organisation_id)
