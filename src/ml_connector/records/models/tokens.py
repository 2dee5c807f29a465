"""Tokens of programs, and the runs that were asked for under a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned
from ml_connector.records.models.people import User

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Document, Instant, MaybeInstant, Text


class ApiToken(Owned):
    """One token; of its secret there is a digest only."""

    user: models.ForeignKey[User, User] = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    token_id: Text = models.TextField()
    digest: Text = models.TextField()
    name: Text = models.TextField()
    rights: Document = models.JSONField(default=list)
    created_at: Instant = models.DateTimeField()
    created_by: Text = models.TextField()
    expires_at: Instant = models.DateTimeField()
    used_at: MaybeInstant = models.DateTimeField(null=True)
    revoked_at: MaybeInstant = models.DateTimeField(null=True)
    revoked_by: Text = models.TextField(default="")

    class Meta:
        """An id is unique; a person's tokens are found by theirs."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "token_id"), name="records_token_one")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "user"), name="records_token_by_user")
        ]

    def __str__(self) -> str:
        return self.token_id


class AskedRun(Owned):
    """One key of one actor, and the run it stands for."""

    actor: Text = models.TextField()
    key: Text = models.TextField()
    digest: Text = models.TextField()
    run_id: Text = models.TextField()
    asked_at: Instant = models.DateTimeField()

    class Meta:
        """A key stands for one run; the old ones go."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "actor", "key"), name="records_asked_run_one"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "asked_at"), name="records_asked_run_by_age")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.run_id}"
