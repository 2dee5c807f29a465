"""Timestamps as the wire writes them: UTC, milliseconds, numeric offset."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

_STAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)
_MILLISECOND = timedelta(milliseconds=1)


def render_stamp(at: datetime) -> str:
    """Return a moment as 2026-01-31T21:04:11.513+00:00; such texts sort by time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def parse_stamp(text: str, *, session_zone: str) -> str:
    """Return the stored form of a literal; without an offset it is in the session's zone.

    Raises:
        ValueError: The text is no moment (an offset whose plus became a blank is none).
    """
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date or a timestamp.")
    day, clock, fraction, offset = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
    moment += timedelta(milliseconds=int((fraction or "0").ljust(3, "0")[:3]))
    return render_stamp(moment.replace(tzinfo=_zone(offset or session_zone)))


def parse_day(text: str) -> str:
    """Return a date literal; a timestamp gives its own day, never a converted one.

    Raises:
        ValueError: The text is no date.
    """
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date.")
    return date.fromisoformat(match.group(1)).isoformat()


def later_stamp(wanted: str, before: str | None) -> str:
    """Return `wanted`, or the millisecond after `before` where that is not later."""
    if before is None or wanted > before:
        return wanted
    return render_stamp(datetime.fromisoformat(before) + _MILLISECOND)


def _zone(offset: str) -> timezone:
    if offset == "Z":
        return UTC
    sign = -1 if offset[0] == "-" else 1
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    return timezone(sign * timedelta(hours=hours, minutes=minutes))
