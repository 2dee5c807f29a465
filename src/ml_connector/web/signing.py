"""Signing in by password: people of this organisation only, and not too many tries."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ml_connector.web.desk import find_house


class OrganisationBackend(ModelBackend):
    """Names are unique within an organisation; those of others are not looked at."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django passes it.
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> AbstractBaseUser | None:
        """The person whose name and password these are."""
        if username is None or password is None:
            return None
        user = self._people().filter(username=username).first()
        if user is None:
            # As long as for somebody there is, so that nobody learns names by the clock.
            get_user_model()().set_password(password)
            return None
        is_right = user.check_password(password) and self.user_can_authenticate(user)
        return user if is_right else None

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        """The person of the session, while they may sign in."""
        user = self._people().filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def _people(self) -> Any:
        name = find_house().project.settings.organisation
        return get_user_model()._default_manager.filter(organisation__name=name)  # noqa: SLF001 - Django's own word


def refuse_throttled(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Too many wrong passwords: what to do."""
    return render(request, "pages/throttled.html", status=429)
