"""A clock that moves only when somebody sleeps on it or moves it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 10, 5, 6, 0, tzinfo=UTC)


@dataclass(slots=True)
class FakeClock:
    """A `ports.Clock`."""

    at: datetime = field(default=START)

    def now(self) -> datetime:
        """The current instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """The clock stands that many seconds later."""
        self.at += timedelta(seconds=seconds)
