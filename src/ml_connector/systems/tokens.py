"""Tokens: fetched once for all threads, renewed before they expire, never shown."""

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from ml_connector.errors import ConnectorError
from ml_connector.ports import Clock

LEAD_S_DEFAULT: Final = 60.0
"""Seconds before its end at which a token is no longer handed out."""
LEAD_SHARE_MAX: Final = 0.25
"""The lead never takes more than this share of a life, or short tokens were renewed per call."""


class Authorizer(Protocol):
    """Gives each request its credentials."""

    def headers(self) -> dict[str, str]:
        """The headers of one request; may log in first."""

    def on_unauthorized(self, rejected: Mapping[str, str]) -> bool:
        """Whether `headers` will now give others than those the server has just rejected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGrant:
    """What a log-in returned: the token and how long it lives from its request on."""

    value: str = field(repr=False)
    lifetime_s: float


FetchToken = Callable[[str | None], TokenGrant]
"""Log in; the argument is a token that still lives, for systems that can prolong it."""


class TokenCache:
    """One living token; a single thread fetches while the others wait for its result.

    The life is counted from before the request, so a slow log-in never makes a token look younger
    than it is. When a log-in fails, the threads that waited for it get the same failure instead of
    each trying again: a wrong password tried by eight threads would lock the account.
    """

    def __init__(self, fetch: FetchToken, *, clock: Clock, lead_s: float = LEAD_S_DEFAULT) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lead_s = lead_s
        self._lock = threading.Lock()
        self._value: str | None = None
        self._renew_at: datetime | None = None
        self._dies_at: datetime | None = None
        self._fetches = 0
        self._failure: ConnectorError | None = None

    def read_token(self) -> str:
        """A token that will live for a while yet.

        Raises:
            CredentialsError: The log-in failed.
            SystemUnavailableError: The log-in service does not answer.
        """
        seen = self._fetches
        with self._lock:
            if self._value is not None and self._is_before(self._renew_at):
                return self._value
            if self._failure is not None and self._fetches != seen:
                raise self._failure
            return self._renew()

    def discard(self, rejected: str) -> None:
        """The token is forgotten if it is still the current one; a newer one stays."""
        with self._lock:
            if self._value == rejected:
                self._value = None

    def _renew(self) -> str:
        asked_at = self._clock.now()
        living = self._value if self._is_before(self._dies_at) else None
        self._failure = None
        try:
            grant = self._fetch(living)
        except ConnectorError as error:
            self._failure = error
            raise
        finally:
            self._fetches += 1
        lead_s = min(self._lead_s, grant.lifetime_s * LEAD_SHARE_MAX)
        self._value = grant.value
        self._dies_at = asked_at + timedelta(seconds=grant.lifetime_s)
        self._renew_at = self._dies_at - timedelta(seconds=lead_s)
        return grant.value

    def _is_before(self, at: datetime | None) -> bool:
        return at is not None and self._clock.now() < at


class TokenAuthorizer:
    """Sends the cached token under a scheme; a rejected one is replaced once per token."""

    def __init__(self, cache: TokenCache, *, scheme: str = "Bearer") -> None:
        self._cache = cache
        self._scheme = scheme

    def headers(self) -> dict[str, str]:
        """The Authorization header with a living token."""
        return {"Authorization": f"{self._scheme} {self._cache.read_token()}"}

    def on_unauthorized(self, rejected: Mapping[str, str]) -> bool:
        """The rejected token is forgotten; the next request logs in or finds a newer one."""
        self._cache.discard(rejected.get("Authorization", "").partition(" ")[2])
        return True


class BasicAuthorizer:
    """Sends user and password with each request; a rejected password is not tried again.

    After a rejection the secret is read anew for the next call, so a changed password is taken
    without a restart, but the rejected call fails: guessing on would lock the account.
    """

    def __init__(self, user: str, read_password: Callable[[], str]) -> None:
        self._user = user
        self._read_password = read_password
        self._headers: dict[str, str] | None = None

    def headers(self) -> dict[str, str]:
        """The Authorization header."""
        if self._headers is None:
            self._headers = render_basic(self._user, self._read_password())
        return dict(self._headers)

    def on_unauthorized(self, rejected: Mapping[str, str]) -> bool:
        """Nothing is renewed for this call."""
        if self._headers == rejected:
            self._headers = None
        return False


def render_basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic, in UTF-8."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {pair}"}
