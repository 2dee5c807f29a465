"""Time, secrets and sessions, findings: what everybody needs of the world."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

Json = dict[str, Any]
"""Small JSON: text, ints, bools, lists, nulls; amounts as decimal text; never a float."""


class Clock(Protocol):
    """The only source of time; tests move it."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock, sooner when a stop was asked for."""


class Secrets(Protocol):
    """Resolves references such as `secret:NAME`, `env:NAME`, `file:PATH`."""

    def read_secret(self, reference: str) -> str:
        """The plain text behind a reference, for a log-in only.

        Raises:
            CredentialsError: No such secret, or it cannot be opened; names the reference only.
        """


class SessionStore(Protocol):
    """Remote sessions that are open, encrypted, so that a later start can end what a kill left."""

    def save_session(self, connection: str, token: str) -> None:
        """This process holds a session at the connection."""

    def forget_session(self, connection: str) -> None:
        """This process holds none any more."""

    def take_left_sessions(self, connection: str) -> list[str]:
        """Tokens of processes that ended without signing off; each is handed out once."""


class CheckState(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `doctor`: what was looked at, what was found, what to do.

    `code` is the stable code of the error a failed check ended with, if it was one.
    """

    subject: str
    state: CheckState
    finding: str
    next_step: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteObject:
    """One line of `discover`: a ledger, list, import, export, file ... with its id."""

    kind: str
    name: str
    remote_id: str
    detail: str = ""
