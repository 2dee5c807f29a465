"""Tokens of programs that ask the API, and what they have asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ml_connector.ports.people import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What a program shows in the place of a name and a password; the secret itself is not kept.

    Attributes:
        token_id: Tells it from others; the beginning of what was shown once.
        person: Whose it is; it may never do more than they may.
        name: What it is for, in their words.
        rights: What it was made for.
        created_at: When it was made.
        created_by: Who made it: the person, or whoever had the command line.
        expires_at: From then on it opens nothing.
        used_at: The last time, to the minute; None: never.
        revoked_at: Since when it opens nothing; None: it was not taken back.
        revoked_by: Who took it back.
    """

    token_id: str
    person: str
    name: str
    rights: frozenset[Right]
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""

    def is_live(self, at: datetime) -> bool:
        """Whether it opens anything at that instant, as far as it goes itself."""
        return self.revoked_at is None and at < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRun:
    """A run somebody asked for under a key of their own, so that asking again makes no second."""

    actor: str
    key: str
    digest: str
    """Of the whole request, so that the same key never stands for two."""
    run_id: str


class TokenStore(Protocol):
    """Tokens of one organisation."""

    def create_token(self, token: ApiToken, *, digest: str) -> None:
        """The token opens what it was made for; of its secret the digest is kept.

        Raises:
            UsageError: There is nobody of the person's name.
        """

    def find_token(self, token_id: str) -> ApiToken | None:
        """The token of that id, whatever became of it."""

    def find_digest(self, token_id: str) -> str | None:
        """What the secret of the token comes to."""

    def load_tokens(
        self, *, person: str | None = None, limit: int = 200, before: str = ""
    ) -> list[ApiToken]:
        """The newest first; of one person, and older than one token, where they are named."""

    def save_used(self, token_id: str) -> None:
        """The token was used now."""

    def save_revoked(self, token_id: str, *, actor: str) -> ApiToken | None:
        """The token opens nothing any more; None when it did not before, or there is none."""


class AskedRunStore(Protocol):
    """Runs that were asked for under a key."""

    def claim(self, asked: AskedRun) -> AskedRun:
        """What the actor's key stands for: this, or what it stood for before.

        Keys older than a month stand for nothing any more.
        """

    def find_asked(self, actor: str, key: str) -> AskedRun | None:
        """What the actor's key stands for already."""
