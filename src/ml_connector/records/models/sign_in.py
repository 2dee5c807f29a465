"""How people are told apart: accounts, identities at providers, second factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned
from ml_connector.records.models.people import User

if TYPE_CHECKING:
    from ml_connector.records.models.owned import Count, Instant, MaybeInstant, Text


class PersonAccount(Owned):
    """An account of an operating system that is, or was, one person's."""

    user: models.ForeignKey[User, User] = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    user_id: int
    account: Text = models.TextField()
    bound_at: Instant = models.DateTimeField()
    ended_at: MaybeInstant = models.DateTimeField(null=True)

    class Meta:
        """An account is one person's at a time; what it was before is remembered."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "account"),
                condition=models.Q(ended_at=None),
                name="records_account_one",
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "user"), name="records_account_of"),
            models.Index(fields=("organisation", "account"), name="records_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.user}"


class PersonIdentity(Owned):
    """Who a person is at a provider that signs people in."""

    user: models.ForeignKey[User, User] = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    user_id: int
    issuer: Text = models.TextField()
    subject: Text = models.TextField()
    bound_at: Instant = models.DateTimeField()

    class Meta:
        """A subject is one person; a person is one subject of an issuer."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "issuer", "subject"), name="records_identity_once"
            ),
            models.UniqueConstraint(
                fields=("organisation", "user", "issuer"), name="records_identity_of"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.user}"


class SecondFactor(Owned):
    """The second factor of one person; its secret is kept with the other secrets, encrypted."""

    user: models.ForeignKey[User, User] = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    user_id: int
    made_at: Instant = models.DateTimeField()
    confirmed_at: MaybeInstant = models.DateTimeField(null=True)
    step_used: Count = models.BigIntegerField(default=0)

    class Meta:
        """A person has one."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "user"), name="records_factor_once")
        ]

    def __str__(self) -> str:
        return str(self.user)


class RecoveryCode(Owned):
    """A code that stands in for the second factor once; of the code itself a digest is kept."""

    factor: models.ForeignKey[SecondFactor, SecondFactor] = models.ForeignKey(
        SecondFactor, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    digest: Text = models.TextField()
    used_at: MaybeInstant = models.DateTimeField(null=True)

    class Meta:
        """A code is one of a factor's."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "factor", "digest"), name="records_recovery_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.factor_id)  # type: ignore[attr-defined]  # Django adds it
