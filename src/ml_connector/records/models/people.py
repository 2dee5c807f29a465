"""Organisations, and the people who sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models

if TYPE_CHECKING:
    from datetime import datetime

    Text = models.TextField[str, str]
    Flag = models.BooleanField[bool, bool]
    Instant = models.DateTimeField[datetime, datetime]


class Organisation(models.Model):
    """One customer of this installation; owns every other row."""

    name: Text = models.TextField(unique=True)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes users of an organisation."""

    def create_user(
        self, username: str, *, organisation: Organisation, password: str | None = None
    ) -> User:
        """The user exists; without a password nobody can sign in as them by password."""
        user = User(organisation=organisation, username=self.model.normalize_username(username))
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:  # Django names this hook.
        """The user of that name when only one organisation has such a user."""
        return self.get(username=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person of one organisation; the name is unique within it."""

    organisation: models.ForeignKey[Organisation, Organisation] = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    organisation_id: int
    username: Text = models.TextField()
    display_name: Text = models.TextField(blank=True, default="")
    email: models.EmailField[str, str] = models.EmailField(blank=True, default="")
    is_active: Flag = models.BooleanField(default=True)
    joined_at: Instant = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """A name is unique within its organisation."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "username"), name="records_user_one_name"
            )
        ]

    def __str__(self) -> str:
        return self.username
