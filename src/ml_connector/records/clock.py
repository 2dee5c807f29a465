"""The time of this machine."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The wall clock; a `ports.Clock` for everyone who is not given another one."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        time.sleep(seconds)
