"""Windows in which nothing begins: blackouts, maintenance of a system, days off.

Which of several windows has the say over an instant is ruled here, whatever their order:

* where a window that drops is in force, what is due then is dropped, also within one that delays;
* elsewhere, where a window that delays is in force, what is due then moves to its end;
* what moves into a window that drops is dropped there.

Windows of one rule that touch or overlap count as one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from ml_connector.domain.wall_times import resolve_wall, wall_of

JOINED_MAX = 200
"""Windows that touch each other and count as one; without a hole they would never end."""
DAYS_OFF_MAX = 400
"""Days off in a row that are walked."""
MARGIN = timedelta(days=1)
"""More than clocks were ever changed by."""
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)

FindOff = Callable[[date], str]
"""Why a day is off; empty when it is worked."""


class WindowKind(StrEnum):
    """What a window is for."""

    BLACKOUT = "blackout"
    MAINTENANCE = "maintenance window"
    DAY_OFF = "day off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From a first moment to the first moment after it, once, each day or each week."""

    begins: datetime
    """Wall time; of one that comes again, on any of its days."""
    ends: datetime
    every: timedelta | None = None
    """A day or a week; None: once."""
    reason: str = ""
    kind: WindowKind = WindowKind.BLACKOUT
    skips: bool = False
    """Whether what falls into it is dropped, not delayed."""
    zone: tzinfo | None = None
    """Of its wall times, where it is not that of the schedule."""

    def __post_init__(self) -> None:
        assert self.begins < self.ends
        assert self.every is None or self.ends - self.begins < self.every


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """A window at a certain time, as instants; those that touch each other are one."""

    begins: datetime
    ends: datetime
    reason: str
    kind: str
    skips: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """All windows of a schedule."""

    zone: tzinfo
    windows: tuple[Window, ...] = ()
    find_off: FindOff | None = None
    """Days on which nothing runs; what falls on them is dropped."""


def find_blackout(shut: Shut, at: datetime) -> Blackout | None:
    """The window that has the say over the instant: one that drops before one that delays."""
    return find_ruling(shut, at, skips=True) or find_ruling(shut, at, skips=False)


def find_ruling(shut: Shut, at: datetime, *, skips: bool) -> Blackout | None:
    """The window of one rule that holds the instant; those that touch each other count as one."""
    return _find_whole(shut, at, (skips,))


def find_closed(shut: Shut, at: datetime) -> Blackout | None:
    """From when to when nothing begins, whatever becomes of what is due meanwhile."""
    return _find_whole(shut, at, (True, False))


def is_endless(shut: Shut, held: Blackout) -> bool:
    """Whether windows of its rule follow each other without a hole."""
    return find_ruling(shut, held.ends, skips=held.skips) is not None


def find_skip(shut: Shut, after: datetime, until: datetime) -> datetime | None:
    """When the first window that drops begins, later than one instant and before another."""
    begins = [one for window in shut.windows if window.skips
              for one in _list_begins(window, window.zone or shut.zone, after)]  # fmt: skip
    begins += [off for off in [_find_off(shut, after, until)] if off is not None]
    return min((one for one in begins if after < one < until), default=None)


def _find_whole(shut: Shut, at: datetime, rules: tuple[bool, ...]) -> Blackout | None:
    found = _find_holding(shut, at, rules)
    for _ in range(JOINED_MAX):
        if found is None:
            return None
        earlier = _find_holding(shut, found.begins - TICK, rules)
        later = _find_holding(shut, found.ends, rules)
        if earlier is None and later is None:
            return found
        found = _join([one for one in (earlier, found, later) if one is not None])
    return found


def _join(parts: list[Blackout]) -> Blackout:
    return Blackout(
        begins=min(one.begins for one in parts),
        ends=max(one.ends for one in parts),
        reason=_name(*(one.reason for one in parts)),
        kind=" and ".join(dict.fromkeys(one.kind for one in parts)),
        skips=all(one.skips for one in parts),
    )


def _name(*reasons: str) -> str:
    """Each part said once, though windows were joined one by one."""
    said = [part for reason in reasons for part in reason.split("; ") if part]
    return "; ".join(dict.fromkeys(said))


def _find_holding(shut: Shut, at: datetime, rules: tuple[bool, ...]) -> Blackout | None:
    """What holds the instant, of windows of these rules."""
    windows = [one for one in shut.windows if one.skips in rules]
    found = [_place(one, one.zone or shut.zone, at) for one in windows]
    found += [_find_days_off(shut, at)] if True in rules else []
    parts = [one for one in found if one is not None]
    return _join(parts) if parts else None


def _place(window: Window, zone: tzinfo, at: datetime) -> Blackout | None:
    """The window where it holds the instant."""
    wall = wall_of(at, zone)
    for begins, ends in _occur(window, wall):
        if not begins - MARGIN <= wall <= ends + MARGIN:
            continue
        first = resolve_wall(begins, zone)
        # Of a time that comes twice a window ends at the second: rather too long.
        after = resolve_wall(ends, zone, last=True)
        if first <= at < after:
            return Blackout(
                begins=first, ends=after, reason=window.reason,
                kind=window.kind.value, skips=window.skips,
            )  # fmt: skip
    return None


def _list_begins(window: Window, zone: tzinfo, after: datetime) -> list[datetime]:
    """When it begins around an instant, and the next time or two after it."""
    if window.every is None:
        return [resolve_wall(window.begins, zone)]
    turns = (wall_of(after, zone) - window.begins) // window.every
    return [resolve_wall(window.begins + window.every * (turns + one), zone) for one in range(3)]


def _find_off(shut: Shut, after: datetime, until: datetime) -> datetime | None:
    """The midnight at which the first day off begins, of those that begin between the two."""
    day, last = (wall_of(one, shut.zone).date() for one in (after, until))
    while shut.find_off is not None and day < last:
        day += DAY
        if shut.find_off(day):
            return resolve_wall(datetime.combine(day, time()), shut.zone)
    return None


def _occur(window: Window, wall: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the window where it may hold the wall time: this one, and what the last began."""
    if window.every is None:
        yield window.begins, window.ends
        return
    length = window.ends - window.begins
    turns = (wall - window.begins) // window.every
    for turn in (turns, turns - 1, turns + 1):
        begins = window.begins + window.every * turn
        yield begins, begins + length


def _find_days_off(shut: Shut, at: datetime) -> Blackout | None:
    """Days off in a row, from midnight to midnight of the schedule's own zone."""
    if shut.find_off is None:
        return None
    first = after = wall_of(at, shut.zone).date()
    if not (why := shut.find_off(first)):
        return None
    reasons = [why]
    for _ in range(DAYS_OFF_MAX):
        after += DAY
        if not (why := shut.find_off(after)):
            break
        reasons.append(why)
    for _ in range(DAYS_OFF_MAX):
        if not (why := shut.find_off(first - DAY)):
            break
        first -= DAY
        reasons.insert(0, why)
    return Blackout(
        begins=resolve_wall(datetime.combine(first, time()), shut.zone),
        ends=resolve_wall(datetime.combine(after, time()), shut.zone, last=True),
        reason=_name(*reasons), kind=WindowKind.DAY_OFF.value, skips=True,
    )  # fmt: skip
