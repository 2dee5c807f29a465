"""What people may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned
from ml_connector.records.models.people import User

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Text


class PersonRole(Owned):
    """One role of one person."""

    user: models.ForeignKey[User, User] = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    role: Text = models.TextField()

    class Meta:
        """A role is held once."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "user", "role"), name="records_role_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role}"
