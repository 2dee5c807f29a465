"""Times of schedules as people say them, where they are plain; else as they were written."""

import re
from datetime import time, timedelta

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_NUMBERS = re.compile(r"\d+(,\d+)*")
_STEP = re.compile(r"\*/(\d+)")
TIMES_TOLD_MAX = 4
"""Times of a day that are listed; more are told as the expression."""


def tell_cron(expression: str) -> str:
    """When it is due, in words: `at 06:00, Monday to Friday`; or `cron` and the expression."""
    minute, hour, day, month, weekday = expression.split()
    times = _tell_times(minute, hour)
    days = _tell_days(day, weekday)
    if not times or days is None or month != "*":
        return f"cron {expression}"
    return f"{times}, {days}" if days else times


def tell_working_day(number: int, at: time, *, of: str = "period") -> str:
    """When it is due, in words: `at 06:00 on the 2nd working day after the period`."""
    place = tell_ordinal(abs(number))
    if number > 0:
        return f"at {at:%H:%M} on the {place} working day after the {of}"
    last = "last" if number == -1 else f"{place} last"
    return f"at {at:%H:%M} on the {last} working day of the {of}"


def tell_every(every: timedelta) -> str:
    """When it is due, in words: `every 15 minutes`."""
    minutes = every // timedelta(minutes=1)
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            count = minutes // size
            return f"every {name}" if count == 1 else f"every {count} {name}s"
    raise AssertionError("an interval is of whole minutes")


def tell_ordinal(number: int) -> str:
    """The number as the place in a row: `2nd`."""
    ending = "th" if number % 100 in (11, 12, 13) else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"


def _tell_times(minute: str, hour: str) -> str:
    if hour == "*" and minute == "*":
        return "every minute"
    step = _STEP.fullmatch(minute)
    # A step that does not part an hour evenly is no interval of so many minutes.
    if hour == "*" and step and int(step[1]) and 60 % int(step[1]) == 0:
        return f"every {step[1]} minutes"
    if hour == "*" and minute.isdigit():
        return f"every hour at minute {int(minute)}"
    if not (_NUMBERS.fullmatch(minute) and _NUMBERS.fullmatch(hour)):
        return ""
    times = [f"{int(h):02}:{int(m):02}" for h in hour.split(",") for m in minute.split(",")]
    return f"at {', '.join(times)}" if len(times) <= TIMES_TOLD_MAX else ""


def _tell_days(day: str, weekday: str) -> str | None:
    """Which days; empty for every day, None where words would mislead."""
    if day == "*" and weekday == "*":
        return ""
    if weekday == "*" and _NUMBERS.fullmatch(day):
        return f"on day {' and '.join(day.split(','))} of the month"
    if weekday == "*" and day.upper() == "L":
        return "on the last day of the month"
    return _tell_weekdays(weekday) if day == "*" else None


def _tell_weekdays(weekday: str) -> str | None:
    parts = [[_name_day(one) for one in part.split("-")] for part in weekday.split(",")]
    if any(None in part or len(part) > 2 for part in parts):
        return None
    return " and ".join(" to ".join(str(one) for one in part) for part in parts)


def _name_day(text: str) -> str | None:
    if text.isdigit() and int(text) < len(_DAYS):
        return _DAYS[int(text)]
    return _DAYS[_SHORT.index(text.upper())] if text.upper() in _SHORT else None
