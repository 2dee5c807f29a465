"""The settings of schedules: `schedules/*.yaml`, when a flow runs by itself.

**API boundary.** The keys are what users write; a key that changes its name or meaning needs a
migration note.
"""

import difflib
import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from ml_connector.settings.crons import CronText
from ml_connector.settings.flows import Name
from ml_connector.settings.project import Strict

NEAR_ZONES_MAX = 3
"""Zones an unknown one is answered with."""
BLACKOUT_DAYS_MAX = 366
"""Longest dated blackout; a flow that rests for longer is switched off."""
BLACKOUTS_MAX = 100
"""Most blackouts of one schedule."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKLY = re.compile(r"([A-Z][a-z]{2}) ([01]\d|2[0-3]):([0-5]\d)")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def _verify_zone(name: str) -> str:
    if _ZONE.fullmatch(name):
        with suppress(ValueError, OSError, KeyError):  # A folder of zones is an OSError.
            ZoneInfo(name)
            return name
    raise ValueError(f"is no time zone{_near_zones(name)}")


def _near_zones(name: str) -> str:
    known = {zone.lower(): zone for zone in available_timezones()}
    # People write the city alone, or the country; a zone is named by continent and city.
    ends = [zone for low, zone in sorted(known.items()) if low.rsplit("/", 1)[-1] == name.lower()]
    near = difflib.get_close_matches(name.lower(), list(known), n=NEAR_ZONES_MAX)
    found = list(dict.fromkeys([*ends, *(known[low] for low in near)]))[:NEAR_ZONES_MAX]
    return f"; did you mean {', '.join(found)}?" if found else ""


class WeeklyTime(NamedTuple):
    """A time of each week."""

    weekday: int
    """0 is Monday."""
    hour: int
    minute: int


def parse_end(text: str) -> WeeklyTime | datetime:
    """What begins or ends a blackout: a time of each week, or a wall time of one day.

    Raises:
        ValueError: It is neither.
    """
    weekly = _WEEKLY.fullmatch(text)
    if weekly and weekly[1] in WEEKDAYS:
        return WeeklyTime(WEEKDAYS.index(weekly[1]), int(weekly[2]), int(weekly[3]))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is neither like `Fri 22:00` nor like `2026-12-24 18:00`") from error
    if at.tzinfo is not None or at.second or at.microsecond:
        raise ValueError("is a time of the schedule's own zone, to the minute")
    return at


def _verify_end(text: str) -> str:
    parse_end(text)
    return text


End = Annotated[str, AfterValidator(_verify_end)]
Zone = Annotated[str, AfterValidator(_verify_zone)]


class When(Strict):
    """When a schedule is due; exactly one of its keys."""

    cron: CronText | None = None
    """Five fields in quotes: minute, hour, day of month, month, day of week, such as
    `"0 6 * * MON-FRI"`. With both kinds of day given, either is enough."""

    @model_validator(mode="after")
    def _verify_one_kind(self) -> "When":
        if self.cron is None:
            raise ValueError("names no kind of time: give `cron`")
        return self


class ScheduleRequest(Strict):
    """What is asked of the flow: nothing else than `run` takes; by default every period touched."""

    dry_run: bool = False
    """Plan only; write nothing."""
    remap: bool = False
    """Also load the periods that a changed mapping affects; for actuals."""
    reconcile: bool = False
    """Compare hop by hop and send nothing; for actuals."""


class Blackout(Strict):
    """A window in which the schedule does not run, in the schedule's own zone."""

    begins: End = Field(alias="from")
    """Its first moment: of each week, such as `Fri 22:00`, or of one day, such as
    `2026-12-24 18:00`."""
    ends: End = Field(alias="to")
    """The first moment after it, of the same kind."""
    reason: str = ""
    """What it is for; shown beside the firings it moves."""

    @model_validator(mode="after")
    def _verify_window(self) -> "Blackout":
        begins, ends = parse_end(self.begins), parse_end(self.ends)
        if isinstance(begins, datetime) != isinstance(ends, datetime):
            raise ValueError("begins and ends by the same kind: each week, or one day")
        if begins == ends:
            raise ValueError("ends where it begins")
        if isinstance(begins, datetime) and isinstance(ends, datetime):
            if ends < begins:
                raise ValueError("ends before it begins")
            if ends - begins > timedelta(days=BLACKOUT_DAYS_MAX):
                raise ValueError(
                    f"is longer than {BLACKOUT_DAYS_MAX} days; use `enabled: false` instead"
                )
        return self


class Schedule(Strict):
    """When a flow runs by itself, where `ml-connector serve` or a worker is running."""

    name: Name
    """Name of the schedule; its file bears the same."""
    flow: Name
    """Flow that runs."""
    when: When
    """When it is due."""
    zone: Zone
    """Time zone of all its times, by its IANA name, such as `Europe/Berlin`."""
    request: ScheduleRequest = ScheduleRequest()
    """What is asked of the flow."""
    catch_up: Literal["newest", "all", "none"] = "newest"
    """What becomes of times that passed while nothing was running: the newest runs once, all run
    one after the other (24 at most), or none."""
    blackouts: tuple[Blackout, ...] = Field(default=(), max_length=BLACKOUTS_MAX)
    """Windows in which it does not run."""
    in_blackout: Literal["delay", "skip"] = "delay"
    """What becomes of times inside a blackout: one run at its end, or none."""
    enabled: bool = True
    """Whether it runs at all."""
