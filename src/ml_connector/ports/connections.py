"""Records of connections: what tests found, who writes where, how many requests were sent."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ml_connector.ports.world import Check
from ml_connector.ports.writing import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """One look at a connection.

    Attributes:
        connection: Its name.
        actor: Who asked.
        at: When it began.
        milliseconds: How long it took.
        is_whole: Whether every question was answered in time.
        checks: What was found.
        number: Of the row; 0 before it is kept.
    """

    connection: str
    actor: str
    at: datetime
    milliseconds: int
    is_whole: bool
    checks: tuple[Check, ...]
    number: int = field(default=0, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldModel:
    """A model somebody may write into, or did last."""

    model_id: str
    holder: str
    """`RUN/PROCESS`; empty: nobody."""
    run_id: str
    run_began_at: datetime | None
    fence: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The allowance of a key, as it is used at this moment.

    Attributes:
        key: Of the allowance.
        allowance: Requests in every sliding minute.
        reserve: How many of these only people may send.
        used: Sent in the last minute.
        used_reserve: Of these, by people out of their reserve.
        booked: Granted for later: those who wait in line.
        held_until: Nobody sends before that, because a system said so.
        by_second: Sent in each of the last sixty seconds, the oldest first.
        total: Ever granted.
    """

    key: str
    allowance: int
    reserve: int
    used: int
    used_reserve: int
    booked: int
    held_until: datetime | None
    by_second: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteOfRequests:
    """Requests that were granted in one minute."""

    minute: datetime
    requests: int


class ConnectionStore(Protocol):
    """What is known of the connections of one organisation."""

    def record_test(self, test: ConnectionTest) -> None:
        """The look is in the history."""

    def load_last_tests(self, connections: Collection[str]) -> dict[str, ConnectionTest]:
        """The newest look at each of these that was looked at."""

    def load_tests(
        self, connection: str, *, limit: int = 20, before: int = 0
    ) -> list[ConnectionTest]:
        """The newest first; those before a number, where one is given."""

    def load_models(self) -> list[HeldModel]:
        """Every model anybody ever wrote into, those held now first."""

    def load_unsettled(self) -> list[Intent]:
        """Task starts whose outcome is not known; each keeps its model shut."""

    def load_requests(self) -> list[Requests]:
        """Every allowance that was ever drawn on, as it is used at this moment."""

    def record_minute(self, keep_from: datetime) -> int:
        """The grants of this minute are counted, once; returns how many keys are new in it.

        What is older than `keep_from` is forgotten.
        """

    def load_minutes(self, key: str, *, since: datetime) -> list[MinuteOfRequests]:
        """Requests of each whole minute since then, the oldest first."""
