"""Who wrote a row, with what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ml_connector.sandbox.jde.julian import stamp_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """User, program, (Julian) day and time of a change."""

    user: str
    program: str
    day: int
    time: int


def stamp_at(now: datetime, *, user: str, program: str) -> Stamp:
    """Return the stamp of a moment, as a machine in that moment's own zone writes it."""
    day, time = stamp_of(now, now.tzinfo or UTC)
    return Stamp(user=user, program=program, day=day, time=time)
