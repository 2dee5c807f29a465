"""When a schedule is due: wall times become instants, blackouts move or drop them.

Pure: the wall times come from outside as a walk, the clock as an argument. What a change of the
clocks does is ruled here:

* a wall time that does not exist counts at the first moment after the gap;
* one that comes twice counts once, the first time;
* an interval (every minute, every hour) keeps its pace: it counts each time its wall time is shown.

The instants of a calendar are a set that does not depend on where one begins to look.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile
from math import ceil, floor

WallWalk = Callable[[datetime], Iterator[datetime]]
"""Wall times without a zone, ascending, later than the one given; endless."""
SHIFTS_MAX = 200
"""Blackouts that one search passes; windows without a hole between them never end."""
YEARS_MAX = 12
"""How far ahead is looked: 29 February may be eight years away."""
SHIFT_LOOK = timedelta(hours=12)
"""Clocks change twice a year; between two looks this far apart they change once at most."""
MARGIN = timedelta(days=1)
"""More than clocks were ever changed by."""
TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A blackout of one zone: from its first moment to the first moment after it."""

    begins: datetime
    """Wall time; of a weekly window in any week."""
    ends: datetime
    is_weekly: bool
    reason: str = ""

    def __post_init__(self) -> None:
        assert self.begins < self.ends
        assert not self.is_weekly or self.ends - self.begins < timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """A window in a certain week, as instants."""

    begins: datetime
    ends: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An instant at which a schedule is due."""

    at: datetime
    planned: datetime
    """When it would be without blackouts; earlier than `at` when it was delayed."""
    skipped_by: Blackout | None = None
    """The blackout that lets nothing run at all until its end."""

    @property
    def is_run(self) -> bool:
        """Whether something runs then."""
        return self.skipped_by is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a schedule is due."""

    walls: WallWalk
    zone: tzinfo
    is_interval: bool
    windows: tuple[Window, ...] = ()
    skips: bool = False
    """Whether what falls into a blackout is dropped, not delayed."""


def find_next(calendar: Calendar, after: datetime) -> Due | None:
    """The first due instant later than `after`, unless there is none in the next years."""
    last = after + timedelta(days=366 * YEARS_MAX)
    held = find_blackout(calendar, after)
    # What a blackout holds back is due although it was planned before `after`.
    begin = held.begins - TICK if held else after
    for _ in range(SHIFTS_MAX):
        planned = _find_planned(calendar, begin, last)
        if planned is None:
            return None
        held = find_blackout(calendar, planned)
        if held is None:
            return Due(at=planned, planned=planned)
        if find_blackout(calendar, held.ends) is not None:
            return None  # Blackouts without a hole between them: it never comes.
        if not calendar.skips:
            return Due(at=held.ends, planned=planned)
        if planned > after:
            return Due(at=planned, planned=planned, skipped_by=held)
        begin = held.ends - TICK
    return None


def walk_due(calendar: Calendar, after: datetime) -> Iterator[Due]:
    """Yield the due instants later than `after`, ascending."""
    found = find_next(calendar, after)
    while found is not None:
        yield found
        found = find_next(calendar, found.at)


def list_due(calendar: Calendar, since: datetime, until: datetime, *, most: int) -> list[Due]:
    """The due instants of `since` to `until`, both included; not more than `most` of them."""
    found = takewhile(lambda one: one.at <= until, walk_due(calendar, since - TICK))
    return list(islice(found, most))


def list_last(calendar: Calendar, since: datetime, until: datetime, *, count: int) -> list[Due]:
    """The last instants of `since` to `until`, both included, at which something runs.

    Found from the end, so that a year of missed minutes costs no more than an hour of them.
    """
    kept: list[Due] = []
    upper, reach = until, timedelta(hours=1)
    while upper >= since and len(kept) < count:
        lower = max(since - TICK, upper - reach)
        kept = [*_walk_runs(calendar, lower, upper), *kept][-count:]
        upper, reach = lower, reach * 2
    return kept


def _walk_runs(calendar: Calendar, after: datetime, until: datetime) -> Iterator[Due]:
    found = takewhile(lambda one: one.at <= until, walk_due(calendar, after))
    return (one for one in found if one.is_run)


def find_blackout(calendar: Calendar, at: datetime) -> Blackout | None:
    """The blackout that holds the instant; those that touch each other count as one."""
    found = _find_holding(calendar, at)
    for _ in range(SHIFTS_MAX):
        if found is None:
            return None
        earlier = _find_holding(calendar, found.begins - TICK)
        later = _find_holding(calendar, found.ends)
        if earlier is None and later is None:
            return found
        found = _join([one for one in (earlier, found, later) if one is not None])
    return found


def _join(parts: list[Blackout]) -> Blackout:
    return Blackout(
        begins=parts[0].begins,
        ends=parts[-1].ends,
        reason="; ".join(dict.fromkeys(one.reason for one in parts if one.reason)),
    )


def resolve_wall(wall: datetime, zone: tzinfo, *, last: bool = False) -> datetime:
    """The instant of a wall time: the first moment after a gap; of two, the first or the last."""
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early <= late:
        return late if last else early
    # In a gap the later offset makes the earlier instant; the change lies in between.
    return _find_change(zone, late, early)


def _find_planned(calendar: Calendar, after: datetime, last: datetime) -> datetime | None:
    """The first instant later than `after` that blackouts have no say in."""
    found = _find_interval if calendar.is_interval else _find_time
    planned = found(calendar, after)
    return planned if planned <= last else None


def _find_time(calendar: Calendar, after: datetime) -> datetime:
    for wall in calendar.walls(_wall_of(after, calendar.zone)):
        at = resolve_wall(wall, calendar.zone)
        if at > after:
            return at
    raise AssertionError("a walk of wall times has no end")


def _find_interval(calendar: Calendar, after: datetime) -> datetime:
    """Between two changes of the clocks wall times and instants go side by side."""
    begin, zone = after, calendar.zone
    while True:
        wall = next(calendar.walls(_wall_of(begin, zone)))
        at = begin + (wall - _wall_of(begin, zone))
        change = _find_first_change(zone, begin, at)
        if change is None:
            return at
        shown = _wall_of(change, zone)
        if next(calendar.walls(shown - SECOND)) == shown:
            return change
        begin = change


def _find_first_change(zone: tzinfo, begin: datetime, end: datetime) -> datetime | None:
    """The first moment of another offset in (begin, end]."""
    lower = begin
    while lower < end:
        upper = min(lower + SHIFT_LOOK, end)
        if lower.astimezone(zone).utcoffset() != upper.astimezone(zone).utcoffset():
            return _find_change(zone, lower, upper)
        lower = upper
    return None


def _find_change(zone: tzinfo, lower: datetime, upper: datetime) -> datetime:
    """The first moment of the offset that holds at `upper`; at `lower` another one does."""
    offset = upper.astimezone(zone).utcoffset()
    low, high = floor(lower.timestamp()), ceil(upper.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


def _wall_of(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _find_holding(calendar: Calendar, at: datetime) -> Blackout | None:
    wall = _wall_of(at, calendar.zone)
    for window in calendar.windows:
        for begins, ends in _occur(window, wall):
            if not begins - MARGIN <= wall <= ends + MARGIN:
                continue
            first = resolve_wall(begins, calendar.zone)
            # Of a time that comes twice a blackout ends at the second: rather too long.
            after = resolve_wall(ends, calendar.zone, last=True)
            if first <= at < after:
                return Blackout(begins=first, ends=after, reason=window.reason)
    return None


def _occur(window: Window, wall: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the window where it may hold the wall time: this week, and what last week began."""
    if not window.is_weekly:
        yield window.begins, window.ends
        return
    length = window.ends - window.begins
    weeks = (wall - window.begins) // timedelta(days=7)
    for week in (weeks, weeks - 1, weeks + 1):
        begins = window.begins + timedelta(days=7) * week
        yield begins, begins + length
