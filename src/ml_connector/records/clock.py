"""The time of this machine, and the one that all machines agree on."""

import time
from datetime import UTC, datetime

from ml_connector.ports import Clock


class SystemClock:
    """The wall clock; a `ports.Clock` for everyone who is not given another one."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        time.sleep(seconds)


def read_common(clock: Clock, *, using: str) -> datetime:
    """The instant that every process on the database would be told now.

    SQLite is one machine and one clock. Machines that share PostgreSQL may differ by more than a
    lease lasts, so the server's clock is asked instead of theirs; one that somebody moves is asked
    itself.
    """
    from django.db import connections  # noqa: PLC0415 - commands without a database start at once.

    connection = connections[using]
    if connection.vendor == "sqlite" or not isinstance(clock, SystemClock):
        return clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found.astimezone(UTC)
