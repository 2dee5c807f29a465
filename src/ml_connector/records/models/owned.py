"""What all rows share: the organisation that owns them, and the types of their fields."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

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

ROWS_KEPT_MAX: Final = 4_096
"""Queries for the rows of an organisation that are kept ready; the oldest ones are made anew."""
OwnedT = TypeVar("OwnedT", bound="Owned")


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
        return _rows_of(cls, organisation_id).all()


@lru_cache(maxsize=ROWS_KEPT_MAX)
def _rows_of(model: type[OwnedT], organisation_id: int) -> models.QuerySet[OwnedT]:
    """A query that is never asked itself: putting the condition together costs more than a copy."""
    manager = model._default_manager  # noqa: SLF001 - public in Django, whatever it is called.
    return manager.filter(organisation_id=organisation_id)
