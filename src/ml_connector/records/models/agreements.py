"""What model and ERP each held of a member when they last said the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Document, Instant, Text


class Agreement(Owned):
    """The newest agreement on one member of a flow.

    `attributes` holds, by attribute, the model's value and the ERP's. Codes sort by their bytes on
    every database (migration 0008), as Python sorts them.
    """

    flow: Text = models.TextField()
    code: Text = models.TextField()
    attributes: Document = models.JSONField()
    run_id: Text = models.TextField()
    at: Instant = models.DateTimeField()

    class Meta:
        """One per flow and code; the key also pages through a flow's codes."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "code"), name="records_agreement_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.code}"
