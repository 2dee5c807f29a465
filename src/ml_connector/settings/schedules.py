"""The settings of schedules: `schedules/*.yaml`, when a flow runs by itself.

**API boundary.** The keys are what users write; a key that changes its name or meaning needs a
migration note.
"""

import difflib
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationError, model_validator

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
WORKING_DAYS_MAX = 60
"""Highest number of a working day; the next period has ended by then."""
INTERVAL_MAX = timedelta(days=7)
"""Longest interval; what is rarer has a day."""
_DAILY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_INTERVAL = re.compile(r"([1-9]\d{0,3}) ?(m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_WORKING_DAY = re.compile(r"WD([+-])([1-9]\d?) ([01]\d|2[0-3]):([0-5]\d)")
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


class WorkingDayTime(NamedTuple):
    """A time of a working day that is counted from the end of a period."""

    number: int
    at: time


def parse_working_day(text: str) -> WorkingDayTime:
    """What `WD+2 06:00` means.

    Raises:
        ValueError: It is nothing like it.
    """
    found = _WORKING_DAY.fullmatch(text)
    number = int(found[2]) if found else 0
    if found is None or number > WORKING_DAYS_MAX:
        raise ValueError(
            "is not like `WD+2 06:00` (second working day after the period) or `WD-1 18:00` (its"
            f" last working day); at most {WORKING_DAYS_MAX} days"
        )
    sign = 1 if found[1] == "+" else -1
    return WorkingDayTime(sign * number, time(int(found[3]), int(found[4])))


def parse_interval(text: str) -> timedelta:
    """What `15m` means.

    Raises:
        ValueError: It is nothing like it.
    """
    found = _INTERVAL.fullmatch(text)
    every = int(found[1]) * _UNITS[found[2]] if found else timedelta(0)
    if not timedelta(0) < every <= INTERVAL_MAX:
        raise ValueError("is not like `15m`, `6h` or `1d`; at most 7 days")
    return every


def parse_moment(text: str) -> datetime:
    """A wall time of one day.

    Raises:
        ValueError: It is none, or has a zone or seconds of its own.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is not like `2026-12-24 18:00`") from error
    if at.tzinfo is not None or at.second or at.microsecond:
        raise ValueError("is a time of the schedule's own zone, to the minute")
    return at


def parse_end(text: str) -> time | WeeklyTime | datetime:
    """What begins or ends a window: a time of each day or each week, or a wall time of one day.

    Raises:
        ValueError: It is none of them.
    """
    if daily := _DAILY.fullmatch(text):
        return time(int(daily[1]), int(daily[2]))
    weekly = _WEEKLY.fullmatch(text)
    if weekly and weekly[1] in WEEKDAYS:
        return WeeklyTime(WEEKDAYS.index(weekly[1]), int(weekly[2]), int(weekly[3]))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            "is neither like `02:00`, nor `Fri 22:00`, nor `2026-12-24 18:00`"
        ) from error
    if at.tzinfo is not None or at.second or at.microsecond:
        raise ValueError("is a time of the schedule's own zone, to the minute")
    return at


def _verified(parse: Callable[[str], object]) -> AfterValidator:
    """Text that can be parsed, kept as it was written."""

    def verify(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(verify)


_SHOWN = {"from": "the beginning", "to": "the end", "zone": "the zone"}
KINDS = ("cron", "working_day", "every", "on")
"""Kinds of time, of which a schedule has one."""
End = Annotated[str, _verified(parse_end)]
WorkingDayText = Annotated[str, _verified(parse_working_day)]
IntervalText = Annotated[str, _verified(parse_interval)]
MomentText = Annotated[str, _verified(parse_moment)]
Zone = Annotated[str, AfterValidator(_verify_zone)]


class When(Strict):
    """When a schedule is due; exactly one of `cron`, `working_day`, `every` and `on`."""

    cron: CronText | None = None
    """Five fields in quotes: minute, hour, day of month, month, day of week, such as
    `"0 6 * * MON-FRI"`. With both kinds of day given, either is enough."""
    working_day: WorkingDayText | None = None
    """A working day counted from the end of each period: `WD+2 06:00` on the second one after it,
    `WD-1 18:00` on the last one of the period itself."""
    of: Literal["periods", "months"] = "periods"
    """Of what the ends are counted from: the periods of the flow's ledgers, as the ERP has them,
    or calendar months; for `working_day`."""
    every: IntervalText | None = None
    """An interval, such as `15m`, `6h` or `1d`; it keeps its pace when the clocks are changed."""
    anchor: MomentText | None = None
    """One of the times of `every`, from which the others are counted; left out: midnight of the
    first of January 2026."""
    on: Literal["period-closed", "period-opened"] | None = None
    """What has become of a period of one of the flow's ledgers; the run is about that period."""

    @model_validator(mode="after")
    def _verify_one_kind(self) -> "When":
        kinds = [name for name in KINDS if getattr(self, name) is not None]
        if len(kinds) != 1:
            named = " and ".join(kinds) or "no kind of time"
            raise ValueError(f"names {named}: give `cron`, `working_day`, `every` or `on`")
        if self.anchor is not None and self.every is None:
            raise ValueError("has an `anchor`, which only `every` is counted from")
        if self.of != "periods" and self.working_day is None:
            raise ValueError("has an `of`, which only `working_day` is counted from")
        return self


class ScheduleRequest(Strict):
    """What is asked of the flow: nothing else than `run` takes; by default every period touched."""

    dry_run: bool = False
    """Plan only; write nothing."""
    remap: bool = False
    """Also load the periods that a changed mapping affects; for actuals."""
    reconcile: bool = False
    """Compare hop by hop and send nothing; for actuals."""


class Span(Strict):
    """A window: of each day, of each week, or from one moment to another."""

    begins: End = Field(alias="from")
    """Its first moment: of each day, such as `02:00`; of each week, such as `Fri 22:00`; or of one
    day, such as `2026-12-24 18:00`."""
    ends: End = Field(alias="to")
    """The first moment after it, of the same kind."""
    reason: str = ""
    """What it is for; shown beside the firings it moves."""

    @model_validator(mode="after")
    def _verify_window(self) -> "Span":
        begins, ends = parse_end(self.begins), parse_end(self.ends)
        if type(begins) is not type(ends):
            raise ValueError("begins and ends by the same kind: each day, each week, or one day")
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


class Blackout(Span):
    """A window in which the schedule does not run, in the schedule's own zone."""


class MaintenanceSpan(Span):
    """A window in which a system is away, in the zone of its file."""


class Maintenance(Strict):
    """`maintenance/*.yaml`: when a system is away; no scheduled run begins then that needs it."""

    name: Name
    """Name of the windows; their file bears the same."""
    connection: Name
    """Connection whose system is away."""
    zone: Zone
    """Time zone of all their times, by its IANA name."""
    windows: tuple[MaintenanceSpan, ...] = Field(min_length=1, max_length=BLACKOUTS_MAX)
    """When it is away."""


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
    one after the other (24 at most), or none. Closings of periods all run, however late; with none,
    one that comes within a maintenance window is skipped, and says so."""
    blackouts: tuple[Blackout, ...] = Field(default=(), max_length=BLACKOUTS_MAX)
    """Windows in which it does not run."""
    in_blackout: Literal["delay", "skip"] = "delay"
    """What becomes of times inside a blackout: one run at its end, or none."""
    calendar: Name | None = None
    """Calendar of `calendars/` that says which days are worked; left out: Monday to Friday for
    working days, and no day off for other times."""
    days_off: Literal["skip", "run"] = "skip"
    """What becomes of `cron` and `every` on days off of the calendar: none, or as on others."""
    enabled: bool = True
    """Whether it runs at all."""


def find_window_faults(*, begins: str, ends: str, zone: str, reason: str) -> list[str]:
    """What is wrong with a window that somebody types, as with one of a file; maybe nothing."""
    window = {"from": begins, "to": ends, "reason": reason}
    given = {"name": "typed", "connection": "typed", "zone": zone, "windows": [window]}
    try:
        Maintenance.model_validate(given)
    except ValidationError as error:
        # That no window is left is told by what is wrong with the one there was.
        return [
            f"{_SHOWN.get(str(found['loc'][-1]), 'the window')} {_bare(found['msg'])}"
            for found in error.errors(include_url=False)
            if found["loc"] != ("windows",)
        ]
    return []


def _bare(text: str) -> str:
    return text.removeprefix("Value error, ")
