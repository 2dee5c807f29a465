"""When a schedule is due: wall times become instants, windows move or drop them.

Pure: the wall times come from outside as a walk, the clock as an argument. What a change of the
clocks does is ruled here:

* a wall time that does not exist counts at the first moment after the gap;
* one that comes twice counts once, the first time;
* an interval (every minute, every hour) keeps its pace: it counts each time its wall time is shown.

The instants of a calendar are a set that does not depend on where one begins to look.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice, takewhile

from ml_connector.domain.wall_times import find_first_change, resolve_wall, wall_of
from ml_connector.domain.windows import (
    TICK,
    Blackout,
    Shut,
    find_blackout,
    find_ruling,
    find_skip,
    is_endless,
)

Walk = Callable[[datetime], Iterator[datetime]]
"""Times later than the one given, ascending."""
SHIFTS_MAX = 1_000
"""Windows that one search passes."""
YEARS_MAX = 12
"""How far ahead is looked: 29 February may be eight years away."""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An instant at which a schedule is due."""

    at: datetime
    planned: datetime
    """When it would be without windows; earlier than `at` when it was delayed."""
    held_by: Blackout | None = None
    """The window that delays it, or lets nothing run at all until its end."""
    dropped_by: Blackout | None = None
    """The window that a delayed time has moved into, and that lets nothing run."""

    @property
    def skipped_by(self) -> Blackout | None:
        """The window that drops it."""
        if self.held_by is not None and self.held_by.skips:
            return self.held_by
        return self.dropped_by

    @property
    def is_run(self) -> bool:
        """Whether something runs then."""
        return self.skipped_by is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a schedule is due."""

    walls: Walk
    """Wall times without a zone, or instants where there `are_instants`."""
    shut: Shut
    is_interval: bool = False
    are_instants: bool = False
    done: datetime | None = None
    """What was planned until then has come, and comes no second time for a newer window."""

    @property
    def zone(self) -> tzinfo:
        """Of its wall times."""
        return self.shut.zone


def find_next(calendar: Calendar, after: datetime) -> Due | None:
    """The first due instant later than `after`, unless there is none in the next years."""
    last = after + timedelta(days=366 * YEARS_MAX)
    begin, moved = _find_begin(calendar, after), None
    for _ in range(SHIFTS_MAX):
        planned = _find_planned(calendar, begin)
        if planned is None or planned > last or (moved is not None and planned >= moved.at):
            return moved
        held = find_blackout(calendar.shut, planned)
        if held is None:
            return Due(at=planned, planned=planned)
        if is_endless(calendar.shut, held):
            return moved  # Windows without a hole between them: it never comes.
        if not held.skips:
            # Before it comes, at the end of that window, others may be dropped within.
            moved = moved or rule_on_time(calendar.shut, planned)
            dropping = find_skip(calendar.shut, planned, held.ends)
            if dropping is None:
                return moved
            begin = dropping - TICK
        elif planned > after and planned == _find_first(calendar, held):
            return rule_on_time(calendar.shut, planned)
        else:
            begin = held.ends - TICK
    return moved


def find_waiting(calendar: Calendar, at: datetime) -> datetime | None:
    """The first planned time that a window holds back at that instant: it has not come yet."""
    if find_ruling(calendar.shut, at, skips=False) is None:
        return None
    begin = _find_begin(calendar, at)
    for _ in range(SHIFTS_MAX):
        planned = _find_planned(calendar, begin)
        if planned is None or planned > at:
            return None
        held = find_blackout(calendar.shut, planned)
        if held is not None and not held.skips:
            return planned
        begin = held.ends - TICK if held is not None else planned
    return None


def rule_on_time(shut: Shut, planned: datetime) -> Due:
    """When a planned time comes, and which window moves or drops it."""
    held = find_blackout(shut, planned)
    if held is None or held.skips:
        return Due(at=planned, planned=planned, held_by=held)
    dropping = find_ruling(shut, held.ends, skips=True)
    return Due(at=held.ends, planned=planned, held_by=held, dropped_by=dropping)


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


def walk_every(anchor: datetime, every: timedelta) -> Walk:
    """The instants so far apart, of which the anchor is one."""

    def walk(after: datetime) -> Iterator[datetime]:
        at = anchor + ((after - anchor) // every + 1) * every
        while True:
            yield at
            at += every

    return walk


def _walk_runs(calendar: Calendar, after: datetime, until: datetime) -> Iterator[Due]:
    found = takewhile(lambda one: one.at <= until, walk_due(calendar, after))
    return (one for one in found if one.is_run)


def _find_begin(calendar: Calendar, after: datetime) -> datetime:
    """What a window delays is due although it was planned before `after`."""
    held = find_ruling(calendar.shut, after, skips=False)
    begin = held.begins - TICK if held else after
    return max(begin, calendar.done) if calendar.done else begin


def _find_first(calendar: Calendar, held: Blackout) -> datetime | None:
    """The first time that a window drops; it is told for all of them."""
    begin = held.begins - TICK
    return _find_planned(calendar, max(begin, calendar.done) if calendar.done else begin)


def _find_planned(calendar: Calendar, after: datetime) -> datetime | None:
    """The first instant later than `after` that windows have no say in."""
    if calendar.are_instants:
        return next(calendar.walls(after), None)
    return _find_interval(calendar, after) if calendar.is_interval else _find_time(calendar, after)


def _find_time(calendar: Calendar, after: datetime) -> datetime | None:
    instants = (
        resolve_wall(wall, calendar.zone) for wall in calendar.walls(wall_of(after, calendar.zone))
    )
    return next((at for at in instants if at > after), None)


def _find_interval(calendar: Calendar, after: datetime) -> datetime:
    """Between two changes of the clocks wall times and instants go side by side."""
    begin, zone = after, calendar.zone
    while True:
        wall = next(calendar.walls(wall_of(begin, zone)))
        at = begin + (wall - wall_of(begin, zone))
        change = find_first_change(zone, begin, at)
        if change is None:
            return at
        shown = wall_of(change, zone)
        if next(calendar.walls(shown - SECOND)) == shown:
            return change
        begin = change
