"""Dates and times as the database keeps them: CYYDDD and HHMMSS numbers, 0 for none.

Padding and scaling of the other raw values live in `raw`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

_CENTURY_FIRST = 1900
_DAYS_PER_YEAR_MAX = 366


def to_julian(day: date | None) -> int:
    """Return the CYYDDD number of a day; 0 for none."""
    if day is None:
        return 0
    return (day.year - _CENTURY_FIRST) * 1000 + day.timetuple().tm_yday


def from_julian(raw: int) -> date | None:
    """Return the day of a CYYDDD number; None for 0.

    Raises:
        ValueError: The number names no day.
    """
    if raw == 0:
        return None
    year, day_of_year = raw // 1000 + _CENTURY_FIRST, raw % 1000
    first = date(year, 1, 1)
    day = first + timedelta(days=day_of_year - 1)
    if raw < 0 or not 1 <= day_of_year <= _DAYS_PER_YEAR_MAX or day.year != year:
        raise ValueError(f"{raw} is no CYYDDD date.")
    return day


def to_clock_number(at: datetime) -> int:
    """Return the HHMMSS number of a moment: 93105 for 09:31:05, 5 for 00:00:05."""
    return at.hour * 10_000 + at.minute * 100 + at.second


def stamp_of(at: datetime, zone: tzinfo = UTC) -> tuple[int, int]:
    """Return UPMJ and UPMT as a machine of the zone writes them."""
    local = at.astimezone(zone)
    return to_julian(local.date()), to_clock_number(local)
