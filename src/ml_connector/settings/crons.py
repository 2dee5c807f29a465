"""Cron expressions: five fields, checked and walked on the wall clock of nowhere in particular.

The walk knows no time zone: what a change of the clocks does to a time is a rule of ours, in
`domain/schedules.py`.
"""

import importlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator

FIELDS = 5
"""Minute, hour, day of month, month, day of week; no seconds, no years."""
_PLAIN = re.compile(r"[0-9A-Z*?,/#-]+", re.IGNORECASE)
_DRAWN = re.compile(r"(?<![A-Z])[RH](?![A-Z])", re.IGNORECASE)
_PROBE = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall time without a zone, on purpose.


def verify_cron(text: str) -> str:
    """The expression, fields parted by single spaces.

    Raises:
        ValueError: It is no cron expression of five fields, or no day ever fits it.
    """
    fields = text.split()
    if len(fields) != FIELDS:
        raise ValueError("has not five fields: minute, hour, day of month, month, day of week")
    for field in fields:
        if not _PLAIN.fullmatch(field) or _DRAWN.search(field):
            raise ValueError(f"has a field that is not understood: {field}")
    library = _load_library()
    expression = " ".join(fields)
    try:
        next(walk_cron(expression, after=_PROBE))
    except library.CroniterBadDateError as error:
        raise ValueError("never comes: there is no such day") from error
    except (library.CroniterBadCronError, ValueError, KeyError) as error:
        raise ValueError(f"is no cron expression: {error}") from error
    return expression


def walk_cron(expression: str, *, after: datetime) -> Iterator[datetime]:
    """Yield the wall times that fit the expression, later than `after`, without end.

    Args:
        expression: As `verify_cron` gave it.
        after: A wall time without a zone.
    """
    assert after.tzinfo is None
    walk = _load_library().croniter(expression, after)
    while True:
        found: datetime = walk.get_next(datetime)
        yield found


def names_every_hour(expression: str) -> bool:
    """Whether the expression leaves the hour open, so that it means an interval, not a time."""
    return expression.split()[1] in ("*", "?")


def _load_library() -> Any:
    """Only projects with schedules pay a tenth of a second of start-up time."""
    # Ships no types; the one name is imported here and nowhere else.
    return importlib.import_module("croniter")


CronText = Annotated[str, AfterValidator(verify_cron)]
"""A cron expression of five fields."""
