"""Sign-on: whose credentials are good, and what a wrong password leads to."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.http import Request
from ml_connector.sandbox.jde.refusals import RefusalError
from ml_connector.sandbox.jde.users import ENVIRONMENT, PASSWORD, ROLE, USERS, User
from ml_connector.sandbox.switches import Switches

_SSO_NOT_ENABLED = 446


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody signs on with; an assertion has been checked by whoever made it."""

    name: str
    password: str | None
    environment: str
    role: str


class SignOn:
    """Judges credentials and counts failures."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()

    def find_credentials(self, request: Request, body: Mapping[str, Any]) -> Credentials | None:
        """Return the credentials of header or body; None where there are none."""
        if body.get("psToken"):
            raise RefusalError(_SSO_NOT_ENABLED, "SSO is not enabled")
        found = self._of_header(request, body) or _of_body(body) or _of_address(request)
        if found is None:
            return None
        name, word = found
        environment = _wanted(request, body, "environment") or ENVIRONMENT
        role = _wanted(request, body, "role") or ROLE
        return Credentials(name=name, password=word, environment=environment, role=role)

    def verify(self, credentials: Credentials) -> User:
        """Return the user; refused with 403 where anything is wrong."""
        user = USERS.get(credentials.name.upper())
        if user is None or self._is_disabled(credentials.name):
            raise _refused()
        if credentials.password not in {None, PASSWORD}:
            self._record_failure(credentials.name)
            raise _refused()
        if (credentials.environment, credentials.role) != (ENVIRONMENT, ROLE):
            raise _refused()
        if self._switches["passwordExpiry"] == "expired" and credentials.password is not None:
            raise _refused()
        self._forget_failures(credentials.name)
        return user

    def disabled_users(self) -> list[str]:
        """Return the users whose profile is disabled."""
        return [name for name in USERS if self._is_disabled(name)]

    def reset(self) -> None:
        """No failure is remembered, no profile disabled."""
        with self._lock:
            self._failures.clear()

    def _of_header(
        self, request: Request, body: Mapping[str, Any]
    ) -> tuple[str, str | None] | None:
        header = request.headers.get("authorization", "")
        scheme = header.partition(" ")[0].lower()
        if scheme == "basic":
            if self._switches["basicAuth"] == "refused":
                raise _refused()
            return parse_basic(header) or ("", "")
        assertion = header.partition(" ")[2] if scheme == "bearer" else body.get("externalJwt")
        if not assertion:
            return None
        if self._switches["jwtAuth"] == "refused":
            raise _refused()
        return str(parse_claims(str(assertion)).get("sub", "")), None

    def _is_disabled(self, name: str) -> bool:
        if self._switches["badLogin"] != "403ThenDisabled":
            return False
        with self._lock:
            return self._failures[name] >= int(self._switches["signOnAttempts"])

    def _record_failure(self, name: str) -> None:
        with self._lock:
            self._failures[name] += 1

    def _forget_failures(self, name: str) -> None:
        with self._lock:
            self._failures.pop(name, None)


def parse_basic(header: str) -> tuple[str, str] | None:
    """Return user and password of a Basic header, or None."""
    try:
        text = base64.b64decode(header.partition(" ")[2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, word = text.partition(":")
    return (name, word) if colon else None


def parse_claims(token: str) -> dict[str, Any]:
    """Return the claims of an assertion; the sandbox checks no signature."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _of_body(body: Mapping[str, Any]) -> tuple[str, str | None] | None:
    if body.get("username") is None:
        return None
    return str(body["username"]), str(body.get("password") or "")


def _of_address(request: Request) -> tuple[str, str | None] | None:
    name = request.find_query("$username")
    return None if name is None else (name, request.find_query("$password") or "")


def _wanted(request: Request, body: Mapping[str, Any], name: str) -> str:
    found = body.get(name) or request.headers.get(f"jde-ais-auth-{name}")
    return str(found or request.find_query(f"${name}") or "").strip()


def _refused() -> RefusalError:
    return RefusalError(403, "Authorization Failure")
